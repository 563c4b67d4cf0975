"""What a university does: programs and students, enrolments with their courses, and the Fees that each one owes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from federation.demo.world.columns import money, only, pick, spans, texts, wire_dates
from federation.demo.world.heads import Heads
from federation.demo.world.ledger import Vouchers, billed_vouchers, tied
from federation.demo.world.masters import standard
from federation.demo.world.payments import Debts
from federation.demo.world.sales import Fate, fates, working_instants

if TYPE_CHECKING:
    from federation.demo.world.columns import Dates, Instants, Integers, Texts
    from federation.demo.world.scene import Scene

FEES, ENROLLMENT, STUDENT = "Fees", "Program Enrollment", "Student"
FEE_SERIES, ENROLLMENT_SERIES, STUDENT_SERIES = "EDU-FEE-.YYYY.-", "EDU-ENR-.YYYY.-", "EDU-STU-.YYYY.-"
_INSTRUCTOR_SERIES = "EDU-INS-.YYYY.-"
_YEARS = range(2024, 2028)
_INSTRUCTORS = 24
_CENTS = 100
_PAYMENT_DAYS = np.timedelta64(30, "D")
_CHARGED_AFTER = np.timedelta64(20, "s")


@dataclass(frozen=True)
class Students:
    """The students that documents are made for, oldest first."""

    created: Instants
    names: Texts
    titles: Texts
    mails: Texts


def term_of(day: date) -> tuple[str, str]:
    """The academic year and term that an enrolment of this day is for."""
    half = 1 if day.month <= 6 else 2  # noqa: PLR2004 - terms begin in March and August
    return str(day.year), f"{day.year} (Semestre {half})"


def write_campus(scene: Scene, stamp: str, rng: np.random.Generator) -> None:
    """Insert years, terms, fee categories, courses, programs with their courses, and instructors, made at `stamp`."""
    site = scene.site
    for doctype, columns in _catalogue(scene).items():
        scene.insert(doctype, len(columns["name"]), columns | standard(stamp))
    rows = [
        (program.name, idx + 1, site.courses[(place * 2 + idx) % len(site.courses)])
        for place, program in enumerate(site.programs)
        for idx in range(3 + place % 4)
    ]
    parents, idx, courses = (list(column) for column in zip(*rows, strict=True))
    where = {"parent": parents, "parenttype": "Program", "parentfield": "courses", "idx": idx}
    taught = {"course": courses, "course_name": courses, "required": [number % 2 for number in idx]}
    names = {"name": scene.names.random(len(rows))}
    scene.insert("Program Course", len(rows), standard(stamp) | where | taught | names)
    people = zip(pick(site.given_names, _INSTRUCTORS, rng), pick(site.family_names, _INSTRUCTORS, rng), strict=True)
    instructors = {
        "name": scene.names.numbered(_INSTRUCTOR_SERIES, np.full(_INSTRUCTORS, np.datetime64(stamp[:10], "us"))),
        "naming_series": _INSTRUCTOR_SERIES,
        "instructor_name": texts(f"{given} {family}" for given, family in people),
        "department": pick(site.cost_centers, _INSTRUCTORS, rng),
        "status": "Active",
    }
    scene.insert("Instructor", _INSTRUCTORS, standard(stamp) | instructors)


def write_students(scene: Scene, *, count: int, begin: np.datetime64, rng: np.random.Generator) -> Students:
    """`count` students with their guardians: half imported at `begin` (UTC), the others admitted one by one."""
    site = scene.site
    created = np.full(count, begin.astype("datetime64[s]").astype("datetime64[us]"))
    later = np.sort(rng.random(count - count // 2)) * (scene.last_start - begin).astype(np.int64)
    created[count // 2 :] = begin + later.astype("timedelta64[us]")
    given, family = pick(site.given_names, count, rng), pick(site.family_names, count, rng)
    students = Students(
        created=created,
        names=scene.names.numbered(STUDENT_SERIES, scene.clock.of(created)),
        titles=texts(f"{first} {last}" for first, last in zip(given, family, strict=True)),
        mails=texts(f"student{number}@campus.example" for number in range(count)),
    )
    born = np.datetime64("1994-01-01") + rng.integers(0, 4_500, count).astype("timedelta64[D]")
    heads = Heads(
        doctype=STUDENT,
        names=students.names,
        owner=pick(site.users, count, rng),
        created=created,
        submitted=created,
        modified=created,
        docstatus=np.zeros(count, np.int64),
    )
    columns = heads.columns(scene) | {
        "naming_series": STUDENT_SERIES,
        "enabled": 1,
        "first_name": given,
        "last_name": family,
        "student_name": students.titles,
        "joining_date": wire_dates(scene.clock.dates(created)),
        "student_email_id": students.mails,
        "date_of_birth": wire_dates(born),
        "blood_group": pick(("", "O+", "A-", "AB+"), count, rng),
        "gender": pick(("Female", "Male", "Other", None), count, rng),
        "nationality": site.country,
        "city": pick(site.cities, count, rng),
        "country": site.country,
    }
    scene.insert(STUDENT, count, columns | scene.custom_values(STUDENT, count, rng))
    of = np.flatnonzero(rng.random(count) < 1 / 2)
    guardians = heads.child_columns(of, np.ones_like(of), "guardians", scene) | {
        "guardian_name": pick(site.given_names, len(of), rng),
        "relation": pick(("Mother", "Father", "Others"), len(of), rng),
    }
    scene.insert("Student Guardian", len(of), guardians)
    return students


@dataclass(frozen=True)
class Enrolments:
    """n enrolments in the order in which they came, each charged by one Fees document; amounts in cents.

    `parts` (n, k) are a fee's components in the order of the site's fee shares. `paid` of `total` was paid, at
    `settled`; `cancelled` is NaT for fees that stand.
    """

    enrolment: Heads
    fees: Heads
    fate: Integers
    student: Integers
    program: Integers
    income_account: Integers
    parts: Integers
    paid: Integers
    cancelled: Instants
    settled: Instants
    posting: Dates
    cost_center: Texts

    @property
    def total(self) -> Integers:
        """What each one is charged."""
        total: Integers = self.parts.sum(axis=1)
        return total

    @property
    def due(self) -> Dates:
        """When it is to be paid."""
        return self.posting + _PAYMENT_DAYS


def draw_enrolments(
    rng: np.random.Generator, scene: Scene, students: Students, *, count: int, begin: np.datetime64, end: np.datetime64
) -> Enrolments:
    """`count` enrolments between `begin` and `end` (UTC), as they stand at the end of the scene."""
    site, clock = scene.site, scene.clock
    created = working_instants(rng, count, begin, end, opens=clock.opening(begin))
    charged = created + _CHARGED_AFTER
    fate, ended = fates(rng, charged, scene.last_start)
    fate = np.where(fate == Fate.RETURNED, Fate.PAID, fate)
    cancelled = np.where(fate == Fate.CANCELLED, ended, np.datetime64("NaT", "us"))
    settled = np.where(np.isin(fate, (Fate.PAID, Fate.PARTLY_PAID)), ended, np.datetime64("NaT", "us"))
    known = np.searchsorted(students.created, created)
    program = rng.integers(0, len(site.programs), count)
    fee = np.array([round(each.fee * _CENTS) for each in site.programs])[program]
    shares = np.array(list(site.fee_shares.values()))
    parts = np.rint(fee[:, None] * shares / 100).astype(np.int64)
    share = np.select([fate == Fate.PAID, fate == Fate.PARTLY_PAID], [np.ones(count), rng.uniform(0.2, 0.8, count)])
    saved = charged + rng.integers(1_500_000, 60_000_000, count).astype("timedelta64[us]")
    submitted = np.where(np.isnat(cancelled), saved, np.fmax(cancelled, saved))
    owner = pick(site.users, count, rng)
    income = [scene.place_of(account) for account in site.accounts_of("Income Account")]
    ones = np.ones(count, np.int64)
    return Enrolments(
        enrolment=Heads(
            doctype=ENROLLMENT,
            names=scene.names.numbered(ENROLLMENT_SERIES, clock.of(created)),
            owner=owner,
            created=created,
            submitted=charged,
            modified=charged,
            docstatus=ones,
        ),
        fees=Heads(
            doctype=FEES,
            names=scene.names.numbered(FEE_SERIES, clock.of(charged)),
            owner=owner,
            created=charged,
            submitted=submitted,
            modified=tied(np.where(np.isnat(settled), submitted, np.fmax(settled, submitted)), rng),
            docstatus=np.select([fate == Fate.DRAFT, fate == Fate.CANCELLED], [0, 2], 1),
        ),
        fate=fate,
        student=(known * rng.random(count)).astype(np.int64),
        program=program,
        income_account=np.array(income)[(program >= len(site.programs) - 2).astype(np.int64)],
        parts=parts,
        paid=np.rint(parts.sum(axis=1) * share).astype(np.int64),
        cancelled=cancelled,
        settled=settled,
        posting=clock.dates(charged),
        cost_center=scene.cost_centers(count, rng),
    )


def write_enrolments(scene: Scene, students: Students, enrolments: Enrolments, rng: np.random.Generator) -> None:
    """Insert the Program Enrollments with their courses, and the Fees with their components."""
    site = scene.site
    count = len(enrolments.student)
    years, terms = zip(*map(term_of, enrolments.posting.tolist()), strict=True)
    common = {
        "student": students.names[enrolments.student],
        "student_name": students.titles[enrolments.student],
        "program": texts(program.name for program in site.programs)[enrolments.program],
        "academic_year": texts(years),
        "academic_term": texts(terms),
    }
    joined = {"enrollment_date": wire_dates(enrolments.posting), "boarding_student": rng.integers(0, 2, count)}
    scene.insert(ENROLLMENT, count, enrolments.enrolment.columns(scene) | common | joined)
    _write_courses(scene, enrolments)
    outstanding = np.where(enrolments.fate == Fate.CANCELLED, 0, enrolments.total - enrolments.paid)
    columns = enrolments.fees.columns(scene) | common | {
        "naming_series": FEE_SERIES,
        "company": site.company,
        "posting_date": wire_dates(enrolments.posting),
        "posting_time": scene.clock.times(enrolments.fees.created),
        "due_date": wire_dates(enrolments.due),
        "program_enrollment": enrolments.enrolment.names,
        "fee_structure": texts(f"EDU-FST-2025-{place + 1:05}" for place in range(len(site.programs)))[
            enrolments.program
        ],
        "currency": site.currency,
        "grand_total": money(enrolments.total),
        "outstanding_amount": money(outstanding),
        "contact_email": students.mails[enrolments.student],
        "receivable_account": site.receivable.name,
        "income_account": scene.account_names[enrolments.income_account],
        "cost_center": enrolments.cost_center,
    }  # fmt: skip
    scene.insert(FEES, count, columns | scene.custom_values(FEES, count, rng))
    kinds = enrolments.parts.shape[1]
    of, place = np.repeat(np.arange(count), kinds), np.tile(np.arange(kinds), count)
    components = enrolments.fees.child_columns(of, place + 1, "components", scene) | {
        "fees_category": texts(site.fee_shares)[place],
        "description": only(place == 0, "<p>Arancel & servicios</p>"),
        "amount": money(enrolments.parts.ravel()),
    }
    scene.insert("Fee Component", len(of), components)


def fee_vouchers(scene: Scene, students: Students, enrolments: Enrolments) -> Vouchers:
    """What the submitted and cancelled ones post: the student's debt against income."""
    posted = np.flatnonzero(enrolments.fees.docstatus)
    total = enrolments.total[posted]
    receivable = np.full(len(posted), scene.place_of(scene.site.receivable))
    return billed_vouchers(
        scene,
        enrolments.fees,
        posted,
        posting=enrolments.posting[posted],
        due=enrolments.due[posted],
        party_type=STUDENT,
        party=students.names[enrolments.student[posted]],
        cost_center=enrolments.cost_center[posted],
        accounts=np.column_stack([receivable, enrolments.income_account[posted]]),
        cents=np.column_stack([total, -total]),
    )


def fee_debts(scene: Scene, students: Students, enrolments: Enrolments) -> Debts:
    """What students paid."""
    paid = np.flatnonzero(enrolments.paid)
    student = enrolments.student[paid]
    return Debts(
        doctype=FEES,
        party_type=STUDENT,
        account=scene.site.receivable,
        names=enrolments.fees.names[paid],
        party=students.names[student],
        titles=students.titles[student],
        due=enrolments.due[paid],
        cost_center=enrolments.cost_center[paid],
        total=enrolments.total[paid],
        paid=enrolments.paid[paid],
        settled=enrolments.settled[paid],
    )


def _catalogue(scene: Scene) -> dict[str, dict[str, Any]]:
    site = scene.site
    years = [str(year) for year in _YEARS]
    terms = [(year, f"Semestre {half}", f"{year} (Semestre {half})", half) for year in years for half in (1, 2)]
    return {
        "Academic Year": {
            "name": years,
            "academic_year_name": years,
            "year_start_date": [f"{year}-03-01" for year in years],
            "year_end_date": [f"{year}-12-23" for year in years],
        },
        "Academic Term": {
            "name": [title for _, _, title, _ in terms],
            "title": [title for _, _, title, _ in terms],
            "academic_year": [year for year, *_ in terms],
            "term_name": [label for _, label, _, _ in terms],
            "term_start_date": [f"{year}-{'03-01' if half == 1 else '08-01'}" for year, _, _, half in terms],
        },
        "Fee Category": {"name": list(site.fee_shares), "category_name": list(site.fee_shares)},
        "Course": {"name": list(site.courses), "course_name": list(site.courses)},
        "Program": {
            "name": [program.name for program in site.programs],
            "program_name": [program.name for program in site.programs],
            "program_abbreviation": [program.abbreviation for program in site.programs],
            "department": site.cost_centers[0],
            "is_published": 1,
        },
    }


def _write_courses(scene: Scene, enrolments: Enrolments) -> None:
    courses = texts(scene.site.courses)
    counts = 2 + enrolments.program % 3
    of = np.repeat(np.arange(len(counts)), counts)
    idx = spans(np.ones_like(counts), counts)
    chosen = courses[(enrolments.program[of] * 2 + idx) % len(courses)]
    columns = enrolments.enrolment.child_columns(of, idx, "courses", scene)
    scene.insert("Program Enrollment Course", len(of), columns | {"course": chosen, "course_name": chosen})
