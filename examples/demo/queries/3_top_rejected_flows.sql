-- Whom does the firewall turn away most, and how widely do they search?
select
  src_addr,
  count(*) as flows,
  count(distinct dst_port) as ports,
  count(distinct dst_addr) as hosts,
  sum(packets)::bigint as packets,
  min(start_time) as first_seen,
  max(end_time) as last_seen
from aws_vpc_flow_log
where action = 'REJECT'
group by src_addr
order by flows desc, src_addr
limit 10;
