using Distributed.Protocol;

namespace Distributed.Fabric.Tests.Contract;

/// <summary>A cluster of a learner's node and members, over some fabric, within one test.</summary>
public interface IContractCluster : IAsyncDisposable
{
    /// <summary>The learner's node.</summary>
    ContractNode Learner { get; }

    /// <summary>Starts a node as a process of that name would.</summary>
    ContractNode Join(string name);

    /// <summary>The node goes, and says so.</summary>
    Task LeaveAsync(ContractNode node);

    /// <summary>The node's process is gone at once.</summary>
    Task CrashAsync(ContractNode node);
}

/// <summary>A cluster whose links can be disturbed.</summary>
public interface IFaultyCluster : IContractCluster
{
    /// <summary>No byte passes, and connections break.</summary>
    void Cut(ContractNode node);

    /// <summary>No byte passes, but nothing breaks: a hung process, a lost route.</summary>
    void Freeze(ContractNode node);

    /// <summary>Bytes pass slowly.</summary>
    void Slow(ContractNode node);

    /// <summary>As before.</summary>
    void Heal(ContractNode node);

    /// <summary>A byte of what comes next to the node is changed on the way.</summary>
    void CorruptNext(ContractNode node);
}

/// <summary>What the actors rely on, whatever carries their messages. Every fabric runs these.</summary>
public abstract class FabricContract
{
    /// <summary>A new cluster with a learner's node.</summary>
    protected abstract IContractCluster Start();

    [Fact]
    public async Task Both_sides_hear_of_each_other_and_can_talk()
    {
        await using var cluster = Start();
        var node = cluster.Join("rollout-1");
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined"], "the node joined");
        await node.Until(() => node.Membership(cluster.Learner) is ["joined"], "the learner joined");
        cluster.Learner.Tell(node, ContractNode.Number(1));
        await node.Until(() => node.Numbers is [1], "the message");
        node.Messages[0].From.ShouldBe(cluster.Learner.Id);
        node.Tell(cluster.Learner, ContractNode.Number(2));
        await cluster.Learner.Until(() => cluster.Learner.Numbers is [2], "the answer");
        cluster.Learner.Messages[0].From.ShouldBe(node.Id);
    }

    [Fact]
    public async Task A_node_can_tell_itself_something()
    {
        await using var cluster = Start();
        cluster.Learner.Tell(cluster.Learner, ContractNode.Number(7));
        await cluster.Learner.Until(() => cluster.Learner.Numbers is [7], "the message");
        cluster.Learner.Messages[0].From.ShouldBe(cluster.Learner.Id);
    }

    [Fact]
    public async Task What_is_told_to_nobody_is_dropped_without_harm()
    {
        await using var cluster = Start();
        cluster.Learner.Fabric.Tell(new NodeId("nobody"), ContractNode.Number(1));
        var node = cluster.Join("rollout-1");
        await cluster.Learner.Until(() => cluster.Learner.Membership(node).Count > 0, "the node joined");
    }

    [Fact]
    public async Task Many_messages_both_ways_arrive_once_and_in_order()
    {
        await using var cluster = Start();
        var node = cluster.Join("rollout-1");
        await node.Until(() => node.Membership(cluster.Learner).Count > 0 && cluster.Learner.Membership(node).Count > 0, "both joined");
        for (var number = 0; number < 2000; number++)
        {
            node.Tell(cluster.Learner, ContractNode.Number(number));
            cluster.Learner.Tell(node, ContractNode.Number(number));
        }

        await cluster.Learner.Until(() => cluster.Learner.Numbers.Count >= 2000, "all of the node's");
        await node.Until(() => node.Numbers.Count >= 2000, "all of the learner's");
        cluster.Learner.Numbers.ShouldBe(Enumerable.Range(0, 2000).Select(number => (long)number));
        node.Numbers.ShouldBe(Enumerable.Range(0, 2000).Select(number => (long)number));
    }

    [Fact]
    public async Task A_large_message_arrives_whole()
    {
        await using var cluster = Start();
        var node = cluster.Join("rollout-1");
        await node.Until(() => node.Membership(cluster.Learner).Count > 0, "the learner joined");
        node.Tell(cluster.Learner, ContractNode.OfSize(5_000_000));
        await cluster.Learner.Until(() => cluster.Learner.Messages.Count == 1, "the message");
        ((LeaseFailed)cluster.Learner.Messages[0].Message).Reason.Length.ShouldBe(5_000_000);
    }

    [Fact]
    public async Task A_node_that_leaves_has_left_at_once_and_for_good()
    {
        await using var cluster = Start();
        var node = cluster.Join("rollout-1");
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined"], "the node joined");
        await cluster.LeaveAsync(node);
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined", "left"], "the node left");
    }

    [Fact]
    public async Task The_last_words_before_a_goodbye_arrive()
    {
        await using var cluster = Start();
        var node = cluster.Join("rollout-1");
        await node.Until(() => node.Membership(cluster.Learner).Count > 0, "the learner joined");
        for (var number = 0; number < 100; number++) node.Tell(cluster.Learner, ContractNode.Number(number));
        await cluster.LeaveAsync(node);
        await cluster.Learner.Until(() => cluster.Learner.Membership(node).Contains("left"), "the node left");
        cluster.Learner.Numbers.Count.ShouldBe(100);
    }

    [Fact]
    public async Task A_crash_is_noticed()
    {
        await using var cluster = Start();
        var node = cluster.Join("rollout-1");
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined"], "the node joined");
        await cluster.CrashAsync(node);
        await cluster.Learner.Until(() => cluster.Learner.Membership(node).Count == 2, "the crash");
        cluster.Learner.Membership(node)[1].ShouldBeOneOf("unreachable", "left");
    }

    [Fact]
    public async Task A_node_that_comes_back_under_its_name_is_a_new_life_and_gets_nothing_of_its_old_one()
    {
        await using var cluster = Start();
        var before = cluster.Join("rollout-1");
        await cluster.Learner.Until(() => cluster.Learner.Membership(before) is ["joined"], "the node joined");
        await cluster.CrashAsync(before);
        cluster.Learner.Tell(before, ContractNode.Number(1));
        var after = cluster.Join("rollout-1");
        await cluster.Learner.Until(() => cluster.Learner.Membership(after) is ["joined", .., "joined"], "the new life");
        cluster.Learner.Membership(after).ShouldContain(word => word == "left" || word == "unreachable");
        cluster.Learner.Tell(after, ContractNode.Number(2));
        await after.Until(() => after.Numbers.Count > 0, "the message to the new life");
        after.Numbers.ShouldBe([2]);
    }

    [Fact]
    public async Task Nodes_come_and_go_and_the_others_go_on_talking()
    {
        await using var cluster = Start();
        var steady = cluster.Join("steady");
        await steady.Until(() => steady.Membership(cluster.Learner).Count > 0, "the learner joined");
        for (var round = 0; round < 5; round++)
        {
            var guest = cluster.Join($"guest-{round}");
            await guest.Until(() => guest.Membership(cluster.Learner).Count > 0, "the guest is in");
            steady.Tell(cluster.Learner, ContractNode.Number(round));
            await (round % 2 == 0 ? cluster.LeaveAsync(guest) : cluster.CrashAsync(guest));
            await cluster.Learner.Until(() => cluster.Learner.Numbers.Count == round + 1, "the steady node's message");
            await cluster.Learner.Until(() => cluster.Learner.Membership(guest).Count >= 2, "the guest is gone");
        }
    }
}

/// <summary>What holds besides where a network can fail.</summary>
public abstract class FaultyFabricContract : FabricContract
{
    /// <summary>A new cluster with a learner's node.</summary>
    protected abstract IFaultyCluster StartFaulty();

    /// <inheritdoc/>
    protected override IContractCluster Start() => StartFaulty();

    [Fact]
    public async Task A_hung_node_is_unreachable_and_joins_again_when_it_goes_on()
    {
        await using var cluster = StartFaulty();
        var node = cluster.Join("rollout-1");
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined"], "the node joined");
        await node.Until(() => node.Membership(cluster.Learner) is ["joined"], "the learner joined");
        cluster.Freeze(node);
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined", "unreachable"], "it is unreachable");
        await node.Until(() => node.Membership(cluster.Learner) is ["joined", "unreachable"], "so is the learner");
        cluster.Heal(node);
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined", "unreachable", "joined"], "it is back");
        await node.Until(() => node.Membership(cluster.Learner) is ["joined", "unreachable", "joined"], "the learner is back");
        node.Tell(cluster.Learner, ContractNode.Number(3));
        await cluster.Learner.Until(() => cluster.Learner.Numbers.Contains(3), "they talk again");
    }

    [Fact]
    public async Task A_partition_heals()
    {
        await using var cluster = StartFaulty();
        var (node, other) = (cluster.Join("rollout-1"), cluster.Join("rollout-2"));
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined"] && cluster.Learner.Membership(other) is ["joined"], "both joined");
        cluster.Cut(node);
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined", "unreachable"], "it is unreachable");
        other.Tell(cluster.Learner, ContractNode.Number(1));
        await cluster.Learner.Until(() => cluster.Learner.Numbers is [1], "the other one goes on");
        cluster.Heal(node);
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined", "unreachable", "joined"], "it is back");
        cluster.Learner.Membership(other).ShouldBe(["joined"]);
    }

    [Fact]
    public async Task What_was_told_before_a_partition_never_comes_twice_or_changed()
    {
        await using var cluster = StartFaulty();
        var node = cluster.Join("rollout-1");
        await cluster.Learner.Until(() => cluster.Learner.Membership(node) is ["joined"], "the node joined");
        for (var round = 0; round < 6; round++)
        {
            for (var number = 0; number < 200; number++) cluster.Learner.Tell(node, ContractNode.Number((round * 200) + number));
            if (round % 2 == 0) cluster.Cut(node);
            else cluster.CorruptNext(node);
            cluster.Learner.Tell(node, ContractNode.OfSize(40_000));
            cluster.Heal(node);
        }

        // Sent until one comes through: single messages may be lost.
        await node.Until(() =>
        {
            cluster.Learner.Tell(node, ContractNode.Number(100_000));
            return node.Numbers.Contains(100_000);
        }, "they talk again");
        var numbers = node.Numbers.Where(number => number < 100_000).ToArray();
        numbers.Distinct().Count().ShouldBe(numbers.Length);
        numbers.ShouldBe(numbers.Order());
        node.Messages.Select(envelope => envelope.Message).OfType<LeaseFailed>().ShouldAllBe(message => message.Reason == new string('r', 40_000));
    }

    [Fact]
    public async Task A_slow_node_holds_up_nobody_and_nothing_grows_without_bound()
    {
        await using var cluster = StartFaulty();
        var (slow, quick) = (cluster.Join("rollout-1"), cluster.Join("rollout-2"));
        await cluster.Learner.Until(() => cluster.Learner.Membership(slow) is ["joined"] && cluster.Learner.Membership(quick) is ["joined"], "both joined");
        cluster.Slow(slow);
        for (var number = 0; number < 300; number++)
        {
            cluster.Learner.Tell(slow, ContractNode.OfSize(200_000));
            cluster.Learner.Tell(quick, ContractNode.Number(number));
        }

        await quick.Until(() => quick.Numbers.Count == 300, "the quick node has everything");
        slow.Messages.Count.ShouldBeLessThan(300);
    }
}
