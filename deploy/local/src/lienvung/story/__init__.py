"""The story of Conclusion 352, played through the public API as each locality's own account, chapter by chapter."""

import httpx

from lienvung.story import border, corridor, deadline, evaluation, meeting, reform, signing
from lienvung.story.case import BEFORE_REFORM, CLAUSES, LOCALITIES, PROVINCES
from lienvung.story.cast import Cast
from lienvung.story.person import Person
from lienvung.story.stage import Say, Stage, StoryError

__all__ = ["BEFORE_REFORM", "CLAUSES", "LOCALITIES", "PROVINCES", "Stage", "StoryError", "play"]


async def play(stage: Stage, say: Say) -> None:
    """Play every step, saying each as it happens; raises StoryError where one does not come out."""
    async with httpx.AsyncClient(base_url=stage.gateway, timeout=30) as http:
        operator = await Person(http, *stage.operator).sign_in()
        cast = Cast(stage, http, operator, say)
        await reform.show(cast)
        await cast.found_organizations()
        plan = await signing.sign_the_plan(cast)
        promised = await meeting.meet(cast, plan)
        settled = await border.fulfil(cast, promised)
        late = await deadline.let_it_pass(cast, plan)
        await corridor.draw(cast, plan, late)
        await evaluation.print_it(cast, plan)
        await reform.outlive(cast, plan, late)
        say(f"The story is told: one promise kept ({settled['title']}), one overdue ({late['title']}).")
