"""A course of what releases may have beside files: attributes, a signature, files of others in their slots.

The stages are killed and run again. A file that others put into a slot outlives every stage and every power cut.
"""

from courses import begin, killed

# These stand in the configuration, so that the commands after a power cut have them, too.
CONFIGURATION = """
digest: sha256
xattrs: true
foreign: keep
"""


def signed_and_kept(course, numbers):
    """Signed releases with attributes go through the ring; others put a file beside each."""
    site = course.site
    begin(course)
    before = "a"
    for number in numbers:
        new = f"r{number}"
        course.plant(before)
        course.disturbed(f"stage {new}", lambda: site.stage(new), killed(number + 2), live=before)
        course.step(f"stage {new} again", lambda: site.stage(new), ready=new)
        course.step(f"stage {new}, which is ready", lambda: site.stage(new), ready=new)
        course.disturbed(f"flip {new}", lambda: site.flip(new), killed(number), live=new)
        course.step(f"flip {new} again", lambda: site.flip(new), live=new, ready=before)
        before = new
