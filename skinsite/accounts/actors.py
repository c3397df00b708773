"""Who acts: every service, selector and rule of visibility takes an `Actor`."""

from typing import Any, Protocol

from skinsite.accounts.models import Capability, Clinic, User


class Actor(Protocol):
    """A person or a program that acts for one clinic: a `Membership`, or the `ApiToken` of one.

    What they may do is ``capabilities``, none of them once access has ended. ``user`` is whose name records keep.
    """

    @property
    def pk(self) -> Any: ...

    @property
    def clinic(self) -> Clinic: ...

    @property
    def clinic_id(self) -> int: ...

    @property
    def user(self) -> User: ...

    @property
    def user_id(self) -> int: ...

    @property
    def capabilities(self) -> frozenset[Capability]: ...
