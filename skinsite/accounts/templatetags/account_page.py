"""What the account page says of events and browsers."""

from django import template

from skinsite.accounts.browsers import browser_in_words, name_browser
from skinsite.audit.models import AuditEvent
from skinsite.audit.words import details_in_words, what_was_done

register = template.Library()


@register.simple_tag
def browser(user_agent: str) -> str:
    """A browser by its name."""
    return browser_in_words(name_browser(user_agent))


@register.simple_tag
def event_words(event: AuditEvent) -> str:
    """What was done, and how many of what ended by it."""
    counted = {name: value for name, value in event.details.items() if name in ("api_tokens_ended", "count") and value}
    return ", ".join(filter(None, [what_was_done(event.action), details_in_words(counted)]))
