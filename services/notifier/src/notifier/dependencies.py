"""What the notifier's routes take beyond what every service's do."""

from typing import Annotated

from fastapi import Depends, Request

from notifier.alerts.planning import Planner
from notifier.config import Settings
from notifier.delivery.links import UnsubscribeLinks
from notifier.feed.stream import Follower


async def get_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def get_planner(request: Request) -> Planner:
    planner: Planner = request.app.state.planner
    return planner


async def get_follower(request: Request) -> Follower:
    follower: Follower = request.app.state.follower
    return follower


async def get_links(request: Request) -> UnsubscribeLinks:
    links: UnsubscribeLinks = request.app.state.links
    return links


SettingsDep = Annotated[Settings, Depends(get_settings)]
PlannerDep = Annotated[Planner, Depends(get_planner)]
FollowerDep = Annotated[Follower, Depends(get_follower)]
LinksDep = Annotated[UnsubscribeLinks, Depends(get_links)]
