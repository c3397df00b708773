"""Changing tables that rows are written to meanwhile: one is locked at a time, and what broke off is run again."""

from typing import Any

from django.db.migrations import AddConstraint, AddField, RemoveConstraint, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation


class Step(SeparateDatabaseAndState):
    """An operation in a transaction of its own, for migrations that have none; it is left out where it has been done.

    ``state`` is what the models' state becomes, where that is not what the database gets.
    """

    atomic = True

    def __init__(self, operation: AddField | AddConstraint | RemoveConstraint, state: Operation | None = None) -> None:
        super().__init__([operation], [state or operation])
        self.operation = operation

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Do it, unless an earlier run did that broke off later."""
        model = from_state.apps.get_model(app_label, self.operation.model_name)
        if not self._is_done(schema_editor.connection, model._meta.db_table):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def _is_done(self, connection: Any, table: str) -> bool:
        with connection.cursor() as cursor:
            if isinstance(self.operation, AddField):
                columns = connection.introspection.get_table_description(cursor, table)
                return self.operation.name in {column.name for column in columns}
            constraints = connection.introspection.get_constraints(cursor, table)
        if isinstance(self.operation, AddConstraint):
            return self.operation.constraint.name in constraints
        return self.operation.name not in constraints
