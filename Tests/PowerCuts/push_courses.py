"""Courses of whole pushes: with a canary, taken back by a hook, and without a canary.

Agents are killed in them, or the command is; what a status tells afterwards has to hold, like all that is told.
"""

from courses import begin, killed

# Stages, flips and samples have sessions of their own: any of a push's first agents may be the one that is killed.
AGENTS = 9


def pushes(course, numbers):
    """Pushes with a canary. An agent is killed, or the command; then the status is asked for."""
    site = course.site
    begin(course)
    for number in numbers:
        new = f"r{number}"
        if number % 2:
            course.disturbed(f"push {new}", lambda: site.push(new), killed(number), live=new, agent=number % AGENTS)
        else:
            course.cut_short(f"push {new}, killed", lambda: site.push(new, kill_after=0.2 * number), live=new)
        course.asked(f"status after that push of {new}")
        course.step(f"push {new} again", lambda: site.push(new), live=new)
        course.step(f"flip {new}, which is live", lambda: site.flip(new), live=new)


def taken_back(course, numbers):
    """Canaries whose hook fails: the push takes them back, and an agent is killed meanwhile."""
    site = course.site
    begin(course)
    for number in numbers:
        bad = f"bad{number}"
        course.disturbed(
            f"push {bad}", lambda: refused(site.push(bad)), killed(number), live="a", agent=number * 2 % AGENTS,
            meanwhile=frozenset({bad}))
        course.asked(f"status after that push of {bad}")
        course.step(f"flip a after {bad}", lambda: site.flip("a"), live="a")
        course.step(f"push {bad} to its end", lambda: refused(site.push(bad)), live="a", meanwhile=frozenset({bad}))


def refused(ended):
    """A push that has to be taken back ends well if it is."""
    code, output, errors = ended
    return (0, output, errors) if code == 1 else (code or -1, output, errors)


def everybody_at_once(course, numbers):
    """Pushes without a canary, killed and run again; rollbacks to a release that is named."""
    site = course.site
    begin(course)
    before = "a"
    for number in numbers:
        new = f"r{number}"

        def push():
            return site.push(new, "--no-canary")

        course.disturbed(f"push {new}", push, killed(number), live=new, agent=number * 2 % AGENTS)
        course.asked(f"status after that push of {new}")
        course.step(f"push {new} again", push, live=new)
        course.step(f"stage {new}, which is live", lambda: site.stage(new), live=new)
        course.disturbed(
            "rollback", lambda: site.run("rollback", "--to", before), killed(number), live=before, agent=number % 3)
        course.step(f"flip {new} again", lambda: site.flip(new), live=new, ready=before)
        before = new
