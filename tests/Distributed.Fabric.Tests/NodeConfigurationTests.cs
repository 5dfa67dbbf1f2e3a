
namespace Distributed.Fabric.Tests;

/// <summary>Every role in every environment, as a node reads them.</summary>
public sealed class NodeConfigurationTests
{
    public static TheoryData<string, string> Matrix
    {
        get
        {
            var matrix = new TheoryData<string, string>();
            foreach (var role in NodeConfiguration.Roles)
                foreach (var environment in NodeConfiguration.Environments)
                    matrix.Add(role, environment);
            return matrix;
        }
    }

    [Theory]
    [MemberData(nameof(Matrix))]
    public void Every_role_in_every_environment_has_a_whole_configuration(string role, string environment)
    {
        var config = NodeConfiguration.Load(role, environment);
        config.GetString("akka.actor.provider").ShouldBe("cluster");
        config.GetString("akka.cluster.downing-provider-class").ShouldContain("LearnerSideDowningProvider");
        config.GetString("akka.cluster.singleton.role").ShouldBe("learner");
        config.GetString("akka.actor.serializers.json").ShouldContain("RefusingSerializer");
        config.GetByteSize("akka.remote.dot-netty.tcp.maximum-frame-size").ShouldNotBeNull().ShouldBeGreaterThan(Protocol.WireCodec.MaxFrameBytes);
        config.GetBoolean("akka.coordinated-shutdown.terminate-actor-system").ShouldBeTrue();
        config.GetString("akka.loglevel").ShouldBe("WARNING", "base.conf is below");
        config.GetString("akka.actor.default-dispatcher.executor").ShouldBe("default-executor", "dispatchers.conf is below");
        config.GetTimeSpan("akka.coordinated-shutdown.phases.before-service-unbind.timeout").ShouldBe(TimeSpan.FromSeconds(role == "scorer" ? 15 : 30));
        config.GetString("akka.remote.dot-netty.tcp.hostname").ShouldBe(environment == "local" ? "127.0.0.1" : "0.0.0.0");
        config.GetInt("akka.remote.dot-netty.tcp.port").ShouldBe(environment == "local" ? 0 : 4055);
        config.GetTimeSpan("akka.cluster.failure-detector.acceptable-heartbeat-pause").ShouldBe(TimeSpan.FromSeconds(environment == "k8s" ? 8 : 6));
        var (stable, latest) = (config.GetTimeSpan("akka.cluster.learner-side-downing.stable-after"), config.GetTimeSpan("akka.cluster.learner-side-downing.at-latest"));
        latest.ShouldBe(4 * stable);
        stable.ShouldBeGreaterThan(config.GetTimeSpan("akka.cluster.failure-detector.acceptable-heartbeat-pause"));
    }

    [Fact]
    public void Every_file_of_the_folder_is_one_that_is_read()
    {
        var files = typeof(NodeConfiguration).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("cluster-config/", StringComparison.Ordinal)).Select(name => name["cluster-config/".Length..]);
        files.ShouldBe(["base.conf", "cluster.conf", "dispatchers.conf",
            .. NodeConfiguration.Roles.Select(role => $"roles/{role}.conf"), .. NodeConfiguration.Environments.Select(environment => $"env/{environment}.conf")], ignoreOrder: true);
    }

    [Theory]
    [InlineData("teacher", "local", "'teacher' is no role; write learner, rollout, scorer")]
    [InlineData("learner", "moon", "'moon' is no environment of cluster-config/env; write local, compose, k8s")]
    public void What_has_no_file_is_refused_by_name(string role, string environment, string line) =>
        Should.Throw<ArgumentException>(() => NodeConfiguration.Load(role, environment)).Message.ShouldStartWith(line);

    [Fact]
    public void A_node_of_one_process_needs_nothing_of_a_cluster() => NodeConfiguration.Load().GetString("akka.actor.provider").ShouldNotBe("cluster");
}
