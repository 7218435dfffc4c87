"""nbgrader's settings for lessons of this course: copy it into your nbgrader course folder.

Put a lesson into ``source/<assignment>/``; ``nbgrader generate_assignment <assignment> --create`` makes the release
without solutions. The lessons carry nbgrader's solution markers and no other marks of it.
"""

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.course_id = "rnn-to-vae"

# Solutions stand in cells of their own, which are not marked as nbgrader's answer cells.
c.ClearSolutions.enforce_metadata = False
c.ClearSolutions.code_stub = {"python": "..."}
