"""A form sent twice is one act: a second click, or a request sent again after a lost connection, adds no second row."""

import uuid

from django import forms

from skinsite.accounts.actors import Actor


class OnceForm(forms.Form):
    """A form that adds something, told apart from every other copy of itself."""

    once = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=uuid.uuid4)


def row_id(once: uuid.UUID | None, actor: Actor, *said: object) -> uuid.UUID:
    """The public id of the row that a copy of a form makes: the same for the same actor and the same content.

    So that a form sent again after going back and changing it adds what it then says. A new one without a copy's mark.
    """
    return uuid.uuid4() if once is None else uuid.uuid5(once, repr((actor.pk, *map(str, said))))
