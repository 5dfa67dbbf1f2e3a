using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Distributed.Fabric.Http;
using Distributed.Fabric.Tests.Contract;
using Distributed.Protocol;

namespace Distributed.Fabric.Tests.Http;

/// <summary>Who gets in under which name, and how the two ends know each other.</summary>
public sealed class HttpMembershipTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_node_with_another_secret_is_turned_away_and_gives_up()
    {
        await using var cluster = new HttpCluster();
        var stranger = cluster.Join("stranger", new HttpSecurity(ClusterSecret.Random()));
        var end = await cluster.MemberOf(stranger).Ended.WaitAsync(Limit);
        end.IsFailure.ShouldBeTrue();
        end.Reason.ShouldContain(ClusterSecret.EnvironmentVariable);
        await cluster.Learner.Until(() => cluster.Hub.Counters[FabricCount.RefusedSecret] > 0, "the refusal is counted");
        cluster.Learner.Told.ShouldBeEmpty();
        stranger.Told.ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_two_living_nodes_with_one_name_the_later_one_stays_and_the_other_ends()
    {
        await using var cluster = new HttpCluster();
        var first = cluster.Join("twin");
        await first.Until(() => first.Membership(cluster.Learner).Count > 0, "the first is in");
        await Task.Delay(5); // its life must have an earlier number
        var second = cluster.Join("twin");
        await second.Until(() => second.Membership(cluster.Learner).Count > 0, "the second is in");
        var end = await cluster.MemberOf(first).Ended.WaitAsync(Limit);
        end.IsFailure.ShouldBeTrue();
        end.Reason.ShouldContain("--name");
        cluster.Learner.Membership(second).ShouldBe(["joined", "left", "joined"]);
        cluster.Hub.Members.ShouldHaveSingleItem().IsConnected.ShouldBeTrue();
    }

    [Fact]
    public async Task A_node_that_was_set_up_for_another_run_ends()
    {
        await using var cluster = new HttpCluster();
        await using var member = new HttpMember(
            new MemberIdentity(new NodeId("late"), cluster.Hub.Self, cluster.Endpoint.Address) { Run = "run-0" }, cluster.Security, cluster.FabricOptions, cluster.Notices.Enqueue);
        member.Attach(Akka.Actor.ActorRefs.Nobody);
        var end = await member.Ended.WaitAsync(Limit);
        end.IsFailure.ShouldBeTrue();
        end.Reason.ShouldContain("another run");
    }

    [Fact]
    public async Task The_end_of_the_run_reaches_every_node()
    {
        await using var cluster = new HttpCluster();
        var nodes = Enumerable.Range(0, 3).Select(index => cluster.Join($"rollout-{index}")).ToArray();
        foreach (var node in nodes) await node.Until(() => node.Membership(cluster.Learner).Count > 0, "it is in");
        await cluster.Hub.CloseAsync("the run is over");
        foreach (var node in nodes)
        {
            var end = await cluster.MemberOf(node).Ended.WaitAsync(Limit);
            end.ShouldBe(new MemberEnd("the run is over", IsFailure: false));
        }
    }

    [Fact]
    public async Task A_learner_that_never_answers_is_given_up_in_the_end()
    {
        await using var member = new HttpMember(
            new MemberIdentity(new NodeId("alone"), new NodeId("learner"), new Uri("http://127.0.0.1:1")),
            new HttpSecurity(ClusterSecret.Random()), HttpCluster.Options with { GiveUpAfter = TimeSpan.FromMilliseconds(300) }, _ => { });
        member.Attach(Akka.Actor.ActorRefs.Nobody);
        var end = await member.Ended.WaitAsync(Limit);
        end.IsFailure.ShouldBeTrue();
        end.Reason.ShouldContain("has not answered");
    }

    [Fact]
    public async Task What_comes_faster_than_the_actors_can_take_it_waits_at_its_sender()
    {
        await using var cluster = new HttpCluster(HttpCluster.Options with { FlowWindow = 16, QueueFrames = 64, FlowTimeout = TimeSpan.FromSeconds(15), DeadAfter = TimeSpan.FromSeconds(15) });
        var node = cluster.Join("rollout-1");
        await node.Until(() => node.Membership(cluster.Learner).Count > 0, "it is in");
        using (cluster.Learner.Block())
        {
            await node.Until(() =>
            {
                for (var index = 0; index < 20; index++) node.Tell(cluster.Learner, ContractNode.OfSize(100_000));
                return cluster.MemberOf(node).Counters[FabricCount.DroppedQueueFull] > 0;
            }, "the sender's queue is full");
            await node.Until(() => cluster.Hub.Counters[FabricCount.FlowWaits] > 0, "the learner's end waits for its actors");
            cluster.Hub.Counters[FabricCount.MessagesReceived].ShouldBeLessThanOrEqualTo(3 * 16);
        }

        await node.Until(() =>
        {
            node.Tell(cluster.Learner, ContractNode.Number(5));
            return cluster.Learner.Numbers.Contains(5);
        }, "it goes on");
    }

    [Fact]
    public async Task Over_TLS_a_node_believes_the_given_authority_only()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=learner", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        var security = new HttpSecurity(ClusterSecret.Random()) { Certificate = certificate, TrustedRoots = [X509CertificateLoader.LoadCertificate(made.Export(X509ContentType.Cert))] };
        await using var cluster = new HttpCluster(security: security, listen: "https://127.0.0.1:0");
        cluster.Endpoint.Address.Scheme.ShouldBe("https");
        var node = cluster.Join("rollout-1");
        await node.Until(() => node.Membership(cluster.Learner).Count > 0, "a node that believes the certificate is in");

        await using var member = new HttpMember(
            new MemberIdentity(new NodeId("other"), cluster.Hub.Self, cluster.Endpoint.Address), security with { TrustedRoots = null },
            cluster.FabricOptions with { GiveUpAfter = TimeSpan.FromMilliseconds(500) }, _ => { });
        member.Attach(Akka.Actor.ActorRefs.Nobody);
        (await member.Ended.WaitAsync(Limit)).IsFailure.ShouldBeTrue();
        cluster.Hub.Members.Count.ShouldBe(1);
    }
}
