detection "aws_security_group_open_to_world" {
  table       = "aws_cloudtrail_log"
  title       = "Security group opened to the whole internet"
  description = <<-EOT
    A rule lets every address connect. Scanners find an open management or database port within minutes.
    Intended for public web servers, which should be the only ones.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.t1562.007"]
  falsepositives = ["A public web server or load balancer."]
  references     = ["https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"]

  where = <<-EOT
    event_name = 'AuthorizeSecurityGroupIngress'
    and event_source = 'ec2.amazonaws.com'
    and error_code is null
    and (request_parameters like '%"0.0.0.0/0"%' or request_parameters like '%"::/0"%')
  EOT

  message = "{user_identity.arn} opened security group {request_parameters.groupId} to every address: {request_parameters.ipPermissions.items}"
}
