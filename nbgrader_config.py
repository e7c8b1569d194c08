"""Configuration of the course « Fondements théoriques du deep learning » (nbgrader, nbjudge)."""

import nbjudge

c = get_config()  # noqa: F821 - nbgrader's and nbjudge's loaders define it

c.CourseDirectory.course_id = "fondements-deep-learning"

# Sealed kernels, tests judged from outside, sentences in French.
nbjudge.configure(c, language="fr")
