"""Five localities sign one plan."""

from lienvung.story.case import CLAUSES, DEMONSTRATION, LOCALITIES, SOURCE
from lienvung.story.cast import Cast
from lienvung.story.stage import Json, StoryError


async def sign_the_plan(cast: Cast) -> Json:
    drafted = await cast.specialist("dongtrieu").create(
        "/v1/agreements",
        {
            "instrument": "plan",
            "number": None,
            "title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD về thúc đẩy liên kết vùng",
            "parent": {
                "instrument": "conclusion",
                "number": "352-KL/TUQN-TUBG-TUHD",
                "title": "Kết luận của Ban Thường vụ 3 tỉnh về thúc đẩy liên kết vùng giữa 3 tỉnh",
                "issued_by": "Ban Thường vụ Tỉnh ủy Quảng Ninh, Tỉnh ủy Bắc Giang, Tỉnh ủy Hải Dương",
            },
            "fields": ["quy hoạch", "hạ tầng giao thông", "thương mại", "du lịch", "an ninh quốc phòng"],
            "demonstration": True,
            "source_url": SOURCE,
            "note": DEMONSTRATION,
            "parties": [
                {
                    "organization_id": cast.organizations[locality.key],
                    "role": "signatory",
                    "required": True,
                    "signatory_title": locality.in_charge,
                }
                for locality in LOCALITIES
            ],
            "clauses": [{"heading": heading, "text": text, "field": field} for heading, text, field in CLAUSES],
        },
    )
    path = f"/v1/agreements/{drafted['id']}"
    cast.say(f"Draft: {drafted['title']}")
    opened = await cast.leader("dongtrieu").act(path, "open")
    cast.say(f"Open for signature; text frozen, sha256 {opened['text_digest'][:16]}…")
    plan = opened
    for locality in LOCALITIES:
        plan = await cast.leader(locality.key).act(
            path,
            "sign",
            {
                "signatory_name": f"Lãnh đạo {locality.committee} (minh họa)",
                "signatory_title": locality.in_charge,
            },
        )
        cast.say(f"Signed by {locality.committee} → {plan['status']}")
    if plan["status"] != "in_force":
        raise StoryError(f"five parties signed, and the plan is {plan['status']}")
    plan["clauses"] = (await cast.leader("dongtrieu").get(f"{path}/clauses"))["items"]
    return plan
