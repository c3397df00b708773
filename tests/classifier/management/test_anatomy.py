"""What the measurement of an upload counts."""

from classifier.management.anatomy import count_write_transactions


def test_a_write_transaction_is_one_that_begins_or_a_write_outside_of_any() -> None:
    statements = [
        "SELECT 1",
        "BEGIN IMMEDIATE",
        'INSERT INTO "a" VALUES (1)',
        'SAVEPOINT "s"',
        'UPDATE "a" SET x = 1',
        'ROLLBACK TO SAVEPOINT "s"',
        'DELETE FROM "a"',
        "COMMIT",
        'UPDATE "a" SET x = 2',
        "SELECT 2",
        "BEGIN IMMEDIATE",
        "ROLLBACK",
        'INSERT INTO "a" VALUES (2)',
    ]

    assert count_write_transactions(statements) == 4
