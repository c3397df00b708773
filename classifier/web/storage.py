"""What the photographs of a clinic take up, on the clinic page."""

from classifier.storage import storage_use
from skinsite.accounts.panels import Panel

STORAGE_PANEL = Panel(template="classifier/includes/storage_panel.html", make_form=storage_use)
