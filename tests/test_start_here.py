"""Lesson 00 shows the whole course: every lesson by a link, and the hours that they take."""

import re

from tools.lesson import find, lessons

LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+\.ipynb)\)")


def rows():
    text = "\n".join(cell.source for cell in lessons("00")[0].markdown)
    for line in text.splitlines():
        row = re.match(r"\| (\d) \|.*\| ([\d.]+) \|$", line)
        if row:
            yield int(row[1]), LINK.findall(line), float(row[2])


def test_every_lesson_is_linked_by_its_title_in_the_row_of_its_lecture():
    for lecture in sorted({lesson.lecture for lesson in lessons()} - {0}):
        wanted = [(lesson.title, lesson.path.name) for lesson in lessons() if lesson.lecture == lecture]
        assert [found for number, found, _ in rows() if number == lecture] == [wanted]


def test_the_hours_are_those_that_the_lessons_say():
    total = 0
    for lecture, links, hours in rows():
        minutes = sum(int(lessons(find(name).stem)[0].minutes) for _, name in links)
        total += minutes
        assert abs(hours - minutes / 60) <= 0.051, f"lecture {lecture}: {minutes / 60:.1f} hours, not {hours}"
    text = "\n".join(cell.source for cell in lessons("00")[0].markdown)
    assert int(re.search(r"about (\d+) hours", text)[1]) == round(total / 60)


def test_every_link_between_lessons_leads_to_one():
    names = {lesson.path.name for lesson in lessons()}
    for lesson in lessons():
        for cell in lesson.markdown:
            for _, name in LINK.findall(cell.source):
                assert name in names, f"{lesson.path.name} leads to {name}, which is no lesson"
