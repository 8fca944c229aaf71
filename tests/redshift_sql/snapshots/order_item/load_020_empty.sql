-- TRUNCATE would commit, so the load table is emptied by DELETE.
delete from staging.order_item_load;
