"""Acts of a university: students are admitted and edited, enrol in programs, and are charged for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from federation.demo.world.acts_debts import acts_on
from federation.demo.world.campus import ENROLLMENT, FEES, STUDENT, STUDENT_SERIES, term_of
from federation.demo.world.day import Change
from federation.demo.world.vouchers import draft_fees

if TYPE_CHECKING:
    from federation.demo.world.day import Day, Weighted


def teaching() -> Weighted:
    """What happens at a university."""
    yield from ((admit, 6), (edit_student, 6), (enrol, 12), (drop_course, 3))
    yield from acts_on(FEES)


def admit(day: Day) -> list[Change]:
    """Somebody new wants to study."""
    given, family = day.rng.choice(day.site.given_names), day.rng.choice(day.site.family_names)
    guardian = {"guardian_name": day.rng.choice(day.site.given_names), "relation": "Others"}
    values = {
        "naming_series": STUDENT_SERIES,
        "first_name": given,
        "last_name": family,
        "student_name": f"{given} {family}",
        "student_email_id": f"new{day.rng.getrandbits(48):012x}@campus.example",
        "country": day.site.country,
        "guardians": [guardian],
    }
    student = day.documents.insert(STUDENT, values, user=day.user())
    return [Change("create", STUDENT, student["name"])]


def edit_student(day: Day) -> list[Change]:
    """Somebody moves to another town."""
    student = day.pick(STUDENT)
    if student is None:
        return []
    moved = {"city": day.rng.choice(day.site.cities), "student_mobile_number": f"+56 9 {day.rng.randint(10**7, 10**8)}"}
    day.documents.save(STUDENT, student["name"], moved, user=day.user())
    return [Change("edit", STUDENT, student["name"])]


def enrol(day: Day) -> list[Change]:
    """A student enrols, and the Fees of the term are drafted."""
    student = day.pick(STUDENT, "enabled = 1")
    if student is None:
        return []
    now, user, program = day.documents.now(), day.user(), day.rng.choice(day.site.programs)
    year, term = term_of(now.date())
    courses = day.rng.sample(day.site.courses, day.rng.randint(2, 5))
    values = {
        "student": student["name"],
        "student_name": student["student_name"],
        "program": program.name,
        "academic_year": year,
        "academic_term": term,
        "enrollment_date": now.date().isoformat(),
        "courses": [{"course": course, "course_name": course} for course in courses],
    }
    draft = day.documents.insert(ENROLLMENT, values, user=user)
    enrolment = day.documents.submit(ENROLLMENT, draft["name"], user=user)
    due = now.date() + timedelta(days=30)
    fees = day.documents.insert(FEES, draft_fees(day.site, enrolment, fee=program.fee, now=now, due=due), user=user)
    return [Change("create", ENROLLMENT, enrolment["name"]), Change("create", FEES, fees["name"])]


def drop_course(day: Day) -> list[Change]:
    """A student leaves a course: the row disappears without a trace."""
    found = day.pick(ENROLLMENT, "docstatus = 1")
    if found is None:
        return []
    courses = day.documents.get(ENROLLMENT, found["name"])["courses"]
    if len(courses) == 1:
        return []
    left = courses.pop(day.rng.randrange(len(courses)))
    day.documents.save(ENROLLMENT, found["name"], {"courses": courses}, user=day.user())
    return [Change("edit", ENROLLMENT, found["name"]), Change("remove row", "Program Enrollment Course", left["name"])]
