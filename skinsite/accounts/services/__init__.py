"""The only writers of memberships, invitations, passwords, API tokens and what clinics set."""
