-- Who attacks us, seen in all logs at once?
-- Every table names its addresses in tp_ips, and so does every finding.
select
  ip,
  count(distinct detection_id) as detections,
  count(*) as findings,
  string_agg(distinct tp_table, ', ' order by tp_table) as tables,
  min(tp_timestamp) as first_seen,
  max(tp_timestamp) as last_seen
from (
  select unnest(tp_ips) as ip, detection_id, tp_table, tp_timestamp
  from finding
)
where not ip_in_network(ip, '10.0.0.0/8')
group by ip
order by detections desc, findings desc, ip;
