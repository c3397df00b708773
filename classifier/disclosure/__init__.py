"""The doors by which records leave for people: found by the rule of visibility, and on the trail as they are given.

Pages and the admin get records here and nowhere else (a contract in pyproject.toml), so that a new page cannot forget
the trail. The API's door is the base of its views. Each door writes one event, however much its page shows.
"""
