drop view if exists ops.{v};
