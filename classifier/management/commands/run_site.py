"""`manage.py run_site`: everything between a fresh database and a page, in one process. `make run` calls it."""

import socket
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from classifier.health import check_bundle
from classifier.management.base import UserErrorCommand
from classifier.management.commands.create_demo import describe_accounts, show_progress
from classifier.models import Prediction, Status
from classifier.services.demonstration import create_demonstration
from classifier.services.readings.queue import process_queue
from classifier.services.registry import register_shipped_model
from ml.bundle.folder import DEFAULT_BUNDLE
from ml.errors import UserError
from skinsite.audit.seals import seal_events
from skinsite.audit.triggers import missing_triggers
from skinsite.commands import BAD_INPUT, silenced
from skinsite.health import run_check
from skinsite.platform.address import note_address

HOST = "127.0.0.1"


class Command(UserErrorCommand):
    """Prepare the site and serve it on this machine."""

    help = "Migrate, register the bundled model, make the demonstration clinic, and serve the site on this machine."
    silent_loggers = ()  # they speak of what happens while the site runs
    requires_system_checks = []  # the server that it starts runs them

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the port, and whether there is a demonstration."""
        parser.add_argument("--port", type=int, default=8000, help="where the site answers (8000)")
        parser.add_argument("--no-demo", action="store_true", help="make no demonstration clinic")

    def handle(self, *args: Any, port: int, no_demo: bool, **options: Any) -> None:
        """Do only what is not done yet, then serve."""
        _require_free(port)
        _migrate()
        self.register_bundle()
        accounts = create_demonstration(progress=show_progress) if settings.DEMO_ALLOWED and not no_demo else []
        if Prediction.objects.filter(status__in=[Status.QUEUED, Status.RUNNING]).exists():
            process_queue()
        seal_events(everything=True)
        for line in describe_accounts(accounts):
            self.stdout.write(line)
        address = f"http://{HOST}:{port}"
        note_address(address)
        self.stdout.write(f"Open {address} (Ctrl-C stops it)")
        self.stdout.flush()
        # The server's own banner says no more; what goes wrong it tells on the other stream.
        call_command("runserver", f"{HOST}:{port}", use_reloader=False, stdout=StringIO())

    def register_bundle(self) -> None:
        """Put the bundled model into service unless another was chosen, and say if nothing can read."""
        fault = ""
        try:
            register_shipped_model(path=DEFAULT_BUNDLE)
        except (OSError, UserError) as error:
            fault = f"the bundled model cannot be used. {error}"
        with silenced(UserErrorCommand.silent_loggers):
            found = run_check("bundle", check_bundle)
        if not found.ok:
            why = fault or f"{found.detail.rstrip('.')}. {found.remedy}"
            self.stderr.write(f"No readings for now, uploads wait: {why}")
        elif fault:
            self.stderr.write(f"{found.detail} reads, and {fault}")


def _migrate() -> None:
    """Migrate, only if something is missing: asking takes a tenth of the time."""
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()) or missing_triggers():
        call_command("migrate", interactive=False, verbosity=0)


def _require_free(port: int) -> None:
    """Say that the port is taken before anything is done."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"Port {port} cannot be used ({error}); choose another: make run PORT=8001", returncode=BAD_INPUT
            ) from error
