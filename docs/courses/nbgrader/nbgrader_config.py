"""The folder of a course: nbgrader finds source/ here, and makes release/, autograded/ and feedback/ beside it."""

c = get_config()  # noqa: F821, since nbgrader defines it
c.CourseDirectory.course_id = "tinygraph"
