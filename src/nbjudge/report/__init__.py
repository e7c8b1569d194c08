"""The report of a class for its lecturers: one page, made from what grading has stored.

Nothing here grades, and nothing here changes a mark.
"""
