"""The models of agreements, tasks and history and the tables that the migrations made are the same."""

import pytest

from agreements_api.agreements.models import Agreement
from agreements_api.history.models import History
from agreements_api.tables import Table
from agreements_api.tasks.models import Task
from tests.agreements_api.agreements.world import World

# Importing a module of models puts its tables there.
MODULES = {model.__module__ for model in (Agreement, History, Task)}
# In one order: every process that runs the tests must collect the same ones.
TABLES = sorted(str(mapper.local_table) for mapper in Table._sa_registry.mappers if mapper.class_.__module__ in MODULES)


@pytest.mark.parametrize("table", TABLES)
async def test_a_model_has_the_columns_of_its_table(world: World, table: str) -> None:
    declared = Table.metadata.tables[table].columns
    rows = await world.rows(
        "select column_name, is_nullable = 'YES' as nullable from information_schema.columns where table_name = $1",
        table,
    )
    assert {row["column_name"] for row in rows} == {column.name for column in declared}
    # What the database computes is never null there, and nothing to fill in here.
    filled = {column.name: column.nullable for column in declared if column.computed is None}
    assert {row["column_name"]: row["nullable"] for row in rows if row["column_name"] in filled} == filled
