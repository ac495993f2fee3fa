"""Runs migrations on the connection it is given, inside its transaction."""

from alembic import context

from collector.stores.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
