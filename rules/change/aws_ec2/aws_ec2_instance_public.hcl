detection "aws_ec2_instance_public" {
  table       = "change"
  channel     = "aws.ec2.**"
  title       = "Instance has got a public address"
  description = <<-EOT
    The instance can be reached from the internet as far as its security groups let. Machines for everybody
    stand behind load balancers; one with an address of its own is often a test that stayed, or somebody's
    foothold.
  EOT
  severity       = "low"
  tags           = ["attack.initial_access", "attack.t1133"]
  falsepositives = ["A server that is meant to be public, or a group of them that grows."]
  references     = ["https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html"]

  where = <<-EOT
    operation = 'add' and path = ''
    and object_after->>'kind' = 'instance'
  EOT

  message = "instance {object_after.id} ({object_after.region}, {object_after.account}) has the public address {object_after.PublicIpAddress}"
}
