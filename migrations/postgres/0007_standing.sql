-- Which tasks a customer's state has made already: found by the customer.
CREATE INDEX task_of_state ON task (debtor_pk) WHERE key IS NOT NULL;
