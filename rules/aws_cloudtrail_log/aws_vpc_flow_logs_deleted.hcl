detection "aws_vpc_flow_logs_deleted" {
  table       = "aws_cloudtrail_log"
  title       = "VPC flow logs deleted"
  description = <<-EOT
    Flow logs show who talked to whom. Deleting them hides scans, lateral movement and data going out.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.t1562.008"]
  falsepositives = ["A network that is taken down, with everything in it."]
  references     = ["https://docs.aws.amazon.com/vpc/latest/userguide/working-with-flow-logs.html"]

  where = <<-EOT
    event_name = 'DeleteFlowLogs'
    and event_source = 'ec2.amazonaws.com'
    and error_code is null
  EOT

  message = "{user_identity.arn} deleted flow logs {request_parameters.DeleteFlowLogsRequest.FlowLogId.content}"
}
