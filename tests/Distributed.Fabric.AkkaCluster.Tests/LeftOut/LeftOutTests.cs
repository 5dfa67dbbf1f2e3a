using System.Reflection;

namespace Distributed.Fabric.AkkaCluster.Tests.LeftOut;

public sealed class LeftOutTests
{
    [Fact]
    public void A_feed_without_Akka_Cluster_leaves_the_fabric_out_and_nothing_of_it_in()
    {
        var assembly = Assembly.Load("Distributed.Fabric.AkkaCluster");
        assembly.GetTypes().Where(type => type.Namespace?.StartsWith("Distributed", StringComparison.Ordinal) == true).ShouldBeEmpty();
        assembly.GetReferencedAssemblies().Select(name => name.Name).ShouldNotContain("Akka.Cluster");
    }
}
