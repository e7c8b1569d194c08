"""Configuration of the course « Fondements théoriques du deep learning » (nbgrader, nbjudge)."""

import nbjudge

c = get_config()  # noqa: F821 - nbgrader's and nbjudge's loaders define it

c.CourseDirectory.course_id = "fondements-deep-learning"

# Sealed kernels, tests judged from outside, sentences in French.
# The notebooks run in seconds: what takes 20 s does not end.
nbjudge.configure(
    c,
    language="fr",
    limits={"cell_seconds": 20, "probe_seconds": 10, "judge_seconds": 30, "notebook_seconds": 240},
)

# The TPs weigh the same and count 30 %, the exam 70 %; rounded once, to a quarter point.
nbjudge.configure_marks(c, tp_share="0.30", step="0.25", abi="0")
