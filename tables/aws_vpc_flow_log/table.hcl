# VPC flow logs: text files with a line of field names in S3, without one in CloudWatch.
table "aws_vpc_flow_log" {
  description = "AWS VPC flow logs: which traffic went through network interfaces, and whether it was let through."
  channel     = "aws.vpcflow"
  format      = format.aws_vpc_flow_log.default
  map_fields  = ["*"]
  file_layout = `AWSLogs/(%{DATA:org_id}/)?%{NUMBER:account_id}/vpcflowlogs/%{DATA:region}/%{YEAR:year}/%{MONTHNUM:month}/%{MONTHDAY:day}/%{DATA}.log.gz`

  column "tp_timestamp" {
    source = "start_time"
  }

  column "tp_source_ip" {
    source = "src_addr"
  }

  column "tp_destination_ip" {
    source = "dst_addr"
  }

  column "version" {
    description = "The version of the record."
    type        = "integer"
  }

  column "account_id" {
    description = "The account that owns the network interface."
    type        = "varchar"
  }

  column "interface_id" {
    description = "The network interface that saw the traffic."
    type        = "varchar"
  }

  column "src_addr" {
    description = "Where the traffic came from, or the address of the interface for outgoing traffic."
    type        = "varchar"
    observable  = "ip"
  }

  column "dst_addr" {
    description = "Where the traffic went, or the address of the interface for incoming traffic."
    type        = "varchar"
    observable  = "ip"
  }

  column "src_port" {
    description = "The source port."
    type        = "integer"
  }

  column "dst_port" {
    description = "The destination port."
    type        = "integer"
  }

  column "protocol" {
    description = "The IANA number of the protocol: 6 is TCP, 17 is UDP."
    type        = "integer"
  }

  column "packets" {
    description = "Packets of the flow."
    type        = "bigint"
  }

  column "bytes" {
    description = "Bytes of the flow."
    type        = "bigint"
  }

  column "start_time" {
    description = "When the first packet of the flow was seen (UTC)."
    type        = "timestamp"
  }

  column "end_time" {
    description = "When the last packet of the flow was seen (UTC)."
    type        = "timestamp"
  }

  column "action" {
    description = "`ACCEPT` or `REJECT`."
    type        = "varchar"
  }

  column "log_status" {
    description = "`OK`, `NODATA` if there was no traffic, or `SKIPDATA` if records were skipped."
    type        = "varchar"
  }

  column "vpc_id" {
    description = "The VPC of the interface."
    type        = "varchar"
  }

  column "subnet_id" {
    description = "The subnet of the interface."
    type        = "varchar"
  }

  column "instance_id" {
    description = "The instance of the interface."
    type        = "varchar"
    observable  = "aka"
  }

  column "tcp_flags" {
    description = "The TCP flags of the flow as a bit mask: 2 SYN, 18 SYN-ACK, 1 FIN, 4 RST."
    type        = "integer"
  }

  column "type" {
    description = "`IPv4`, `IPv6` or `EFA`."
    type        = "varchar"
  }

  column "pkt_src_addr" {
    description = "The original source of the packets."
    type        = "varchar"
    observable  = "ip"
  }

  column "pkt_dst_addr" {
    description = "The original destination of the packets."
    type        = "varchar"
    observable  = "ip"
  }

  column "region" {
    description = "The region of the interface."
    type        = "varchar"
  }

  column "az_id" {
    description = "The availability zone of the interface."
    type        = "varchar"
  }

  column "sublocation_type" {
    description = "`wavelength`, `outpost` or `localzone`."
    type        = "varchar"
  }

  column "sublocation_id" {
    description = "The id of the sublocation."
    type        = "varchar"
  }

  column "pkt_src_aws_service" {
    description = "The AWS service that `pkt_src_addr` belongs to."
    type        = "varchar"
  }

  column "pkt_dst_aws_service" {
    description = "The AWS service that `pkt_dst_addr` belongs to."
    type        = "varchar"
  }

  column "flow_direction" {
    description = "`ingress` or `egress`."
    type        = "varchar"
  }

  column "traffic_path" {
    description = "The way that outgoing traffic took, as a number."
    type        = "integer"
  }

  column "ecs_cluster_arn" {
    description = "The ECS cluster."
    type        = "varchar"
    observable  = "aka"
  }

  column "ecs_cluster_name" {
    description = "The name of the ECS cluster."
    type        = "varchar"
  }

  column "ecs_container_instance_arn" {
    description = "The ECS container instance."
    type        = "varchar"
    observable  = "aka"
  }

  column "ecs_container_instance_id" {
    description = "The id of the ECS container instance."
    type        = "varchar"
  }

  column "ecs_container_id" {
    description = "The Docker id of the first container."
    type        = "varchar"
  }

  column "ecs_second_container_id" {
    description = "The Docker id of the second container."
    type        = "varchar"
  }

  column "ecs_service_name" {
    description = "The name of the ECS service."
    type        = "varchar"
  }

  column "ecs_task_arn" {
    description = "The ECS task."
    type        = "varchar"
    observable  = "aka"
  }

  column "ecs_task_definition_arn" {
    description = "The ECS task definition."
    type        = "varchar"
    observable  = "aka"
  }

  column "ecs_task_id" {
    description = "The id of the ECS task."
    type        = "varchar"
  }

  column "reject_reason" {
    description = "Why traffic was rejected, such as `BPA`."
    type        = "varchar"
  }
}
