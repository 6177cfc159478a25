"""Every route as a row of one table, and the OpenAPI page that is made from it."""
