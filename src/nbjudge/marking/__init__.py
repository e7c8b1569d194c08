"""From points to the mark that a jury sees: roll, rules, sums, freezing, contestation.

The table of a class per question is :mod:`nbjudge.marks`; nothing here grades or changes a score.
"""
