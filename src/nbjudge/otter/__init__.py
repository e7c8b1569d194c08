"""The same assignment for otter-grader and Gradescope (docs/otter.md).

Students get otter's ``grader.check("question")``; Gradescope gets an autograder in which otter
does what Gradescope sees of it, and nbjudge judges: its engine is in the zip, so that a submission
earns there what it earns here.
"""
