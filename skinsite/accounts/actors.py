"""Who acts: every service, selector and rule of visibility takes an `Actor`."""

from typing import Any, Protocol

from skinsite.accounts.models import Capability, Clinic, EmergencyAccess, Membership, ServiceAccount, User

ActingPerson = Membership | EmergencyAccess
"""By what a session acts for a clinic."""


class Actor(Protocol):
    """A person or a program that acts for one clinic: a `Membership`, an `EmergencyAccess` or an `ApiToken`.

    What they may do is ``capabilities``, none of them once access has ended. Under whose name they act is ``user``, or
    ``service`` for a program that is nobody's: one of the two is None.
    """

    @property
    def pk(self) -> Any: ...

    @property
    def clinic(self) -> Clinic: ...

    @property
    def clinic_id(self) -> int: ...

    @property
    def user(self) -> User | None: ...

    @property
    def user_id(self) -> int | None: ...

    @property
    def service(self) -> ServiceAccount | None: ...

    @property
    def capabilities(self) -> frozenset[Capability]: ...
