-- The address that sent SQL to our web server: what did it do in the cloud account, step by step?
with attacker as (
  select distinct remote_addr as ip
  from nginx_access_log
  where http_user_agent ilike 'sqlmap%'
)
select
  event_time,
  event_name,
  aws_region,
  coalesce(user_identity.user_name, user_identity.type) as who,
  coalesce(error_code, response_elements ->> 'ConsoleLogin', 'done') as result,
  coalesce(request_parameters ->> 'name', request_parameters ->> 'groupId') as what
from aws_cloudtrail_log
where source_ip_address in (select ip from attacker)
order by event_time;
