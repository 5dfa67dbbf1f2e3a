using Distributed.Fabric.AkkaCluster;
using Distributed.Fabric.Http;
using Distributed.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Distributed.Node.Cluster.Akka;

/// <summary>What learners and workers of an Akka.Cluster have in common.</summary>
internal static class AkkaNode
{
    private const int SeedsTold = 4;

    /// <summary>A node's options. The key of its messages comes from the cluster's secret.</summary>
    public static ClusterNodeOptions Options(NodeId name, string role, AkkaInputs akka, HttpSecurity security, Action<string> notice) => new()
    {
        Name = name,
        Role = role,
        Environment = akka.Environment,
        Host = akka.Host,
        Port = akka.Port,
        PublicPort = akka.PublicPort,
        Seeds = akka.Seeds,
        Key = security.Secret.KeyOf("akka messages"),
        Notice = notice,
    };

    /// <summary>Listens, or says in one line why not.</summary>
    public static async Task<HttpEndpoint> Listen(Uri listen, HttpSecurity security, FabricCounters counters, Action<IEndpointRouteBuilder> map)
    {
        try
        {
            return await HttpEndpoint.StartAsync(listen, security, counters, TimeProvider.System, map).ConfigureAwait(false);
        }
        catch (ArgumentException error)
        {
            throw new RefusedException(error.Message, error);
        }
    }

    /// <summary>Tells nodes that want to join where members are, this one first, and those that have lost the learner which process is at its address.</summary>
    public static void MapSeeds(IEndpointRouteBuilder routes, ClusterNode node)
    {
        routes.MapGet(AkkaLearner.SeedsPath, context =>
            context.Response.WriteAsJsonAsync(node.Fabric.Members.Where(member => member != node.Address).Order(StringComparer.Ordinal).Take(SeedsTold - 1).Prepend(node.Address)));
        routes.MapGet(AkkaLearner.InstancePath, context => context.Response.WriteAsJsonAsync(node.Instance));
    }
}
