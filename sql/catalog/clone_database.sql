-- Purpose: the statements that make a copy of a database, in order. Privileges of the database itself are not copied
-- with a template: they are given as the first migration gives them. $1 name, $2 template.
select format('create database %I template %I owner palisade_owner strategy file_copy', $1::text, $2::text)
union all
select format('revoke all on database %I from public', $1)
union all
select format('grant connect, temporary on database %I to palisade_app, palisade_system', $1)
