"""What any site needs to run: its server, its log, its tasks, the checks before it starts."""
