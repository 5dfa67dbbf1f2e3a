using System.Net;
using Distributed.Node.Cluster;

namespace Distributed.Node.Tests.Cluster;

public sealed class NodeAddressTests
{
    [Theory]
    [InlineData("http://0.0.0.0:7400/", "10.0.0.5", "http://10.0.0.5:7400/")]
    [InlineData("http://[::]:7400/", "learner", "http://learner:7400/")]
    [InlineData("https://10.0.0.6:7400/", "10.0.0.5", "https://10.0.0.6:7400/")]
    public void An_address_that_means_every_interface_is_told_as_the_host_the_others_know(string bound, string host, string told) =>
        NodeAddress.Reachable(new Uri(bound), host).ToString().ShouldBe(told);

    [Fact]
    public void Without_such_a_host_it_is_told_as_the_machines_name() =>
        NodeAddress.Reachable(new Uri("http://0.0.0.0:7400/")).Host.ShouldBe(Dns.GetHostName(), StringCompareShould.IgnoreCase);

    [Theory]
    [InlineData("10.0.0.5", "http://10.0.0.5:7400/")]
    [InlineData("https://host:81", "https://host:81/")]
    public void An_address_may_leave_out_scheme_and_port(string typed, string whole) => NodeAddress.Parse(typed, "--join", NodeAddress.DefaultPort).ToString().ShouldBe(whole);

    [Theory]
    [InlineData("ftp://host")]
    [InlineData("http://host/path")]
    [InlineData("http://")]
    public void What_is_no_address_is_refused_with_the_option(string typed) =>
        Should.Throw<RefusedException>(() => NodeAddress.Parse(typed, "--join", NodeAddress.DefaultPort)).Message.ShouldStartWith($"--join {typed}: is no address");
}
