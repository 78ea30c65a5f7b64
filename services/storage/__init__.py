"""Where state lives: models, sessions, the unit of work, migrations, encryption at rest."""
