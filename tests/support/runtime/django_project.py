"""A project of Django with an app that has one model, in a folder of a test."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.paths import ROOT

SETTINGS = """
SECRET_KEY = "tests"
INSTALLED_APPS = ["orders"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "{url.hostname}",
        "PORT": "{url.port}",
        "USER": "{url.username}",
        "NAME": "{name}",
        "OPTIONS": {{"server_side_binding": {server_side_binding}}},
    }},
    "file": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
}}
"""
MODELS = """
from django.db import models


class Order(models.Model):
    number = models.IntegerField()
"""
INITIAL = """
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Order",
            [("id", models.BigAutoField(primary_key=True)), ("number", models.IntegerField())],
        )
    ]
"""
MIGRATION = """
from django.db import migrations

from engage_interactions.postgres import drop_sql, tables_sql


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.RunSQL(tables_sql(), drop_sql())]
"""


class DjangoProject:
    """A project whose app `orders` has the migrations `0001_initial` and `0002_outbox`."""

    def __init__(
        self,
        folder: Path,
        database: str,
        migration: str = MIGRATION,
        *,
        server_side_binding: bool = False,
    ) -> None:
        self.folder = folder
        url = urlsplit(database)
        settings = SETTINGS.format(
            url=url, name=url.path[1:], server_side_binding=server_side_binding
        )
        files = {
            "shop/__init__.py": "",
            "shop/settings.py": settings,
            "orders/__init__.py": "",
            "orders/models.py": MODELS,
            "orders/migrations/__init__.py": "",
            "orders/migrations/0001_initial.py": INITIAL,
            "orders/migrations/0002_outbox.py": migration,
        }
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def run(self, *arguments: str) -> str:
        """Run Python in the project, and return its output."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "shop.settings",
                "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT / "generated")]),
            },
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def manage(self, *arguments: str) -> str:
        """Run a command of Django."""
        return self.run("-m", "django", *arguments)
