"""Moodle, both ways: submissions in, marks and feedback out.

Nothing here speaks to a Moodle server: it reads and writes the files that Moodle's own pages give
and take (the zip of all submissions, the offline grading worksheet, the zip of feedback files).
"""
