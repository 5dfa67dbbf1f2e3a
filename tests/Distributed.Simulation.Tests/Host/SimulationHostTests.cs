using Akka.Actor;
using Distributed.Simulation.Host;

namespace Distributed.Simulation.Tests.Host;

public sealed class SimulationHostTests
{
    [Fact]
    public void Time_stands_still_while_actors_work_and_jumps_to_the_next_timer()
    {
        using var host = new SimulationHost(1);
        var system = host.CreateSystem("test");
        var heard = new List<(string Text, TimeSpan At)>();
        var actor = system.ActorOf(Props.Create(() => new Recorder(heard, host)));
        system.Scheduler.ScheduleTellOnce(TimeSpan.FromHours(5), actor, "late", ActorRefs.NoSender);
        actor.Tell("now");
        host.RunUntil(() => heard.Count == 2, TimeSpan.FromHours(6)).ShouldBeTrue();
        heard.ShouldBe([("now", TimeSpan.Zero), ("late", TimeSpan.FromHours(5))]);
        host.Time.GetElapsedTime(0).ShouldBe(TimeSpan.FromHours(5));
    }

    [Fact]
    public void A_call_from_another_thread_fails_the_run_with_its_stack()
    {
        using var host = new SimulationHost(1);
        var system = host.CreateSystem("test");
        var actor = system.ActorOf(Props.Create(() => new Recorder(new List<(string, TimeSpan)>(), host)));
        host.RunUntil(() => false, TimeSpan.FromSeconds(1));
        var thread = new Thread(() => actor.Tell("from outside"));
        thread.Start();
        thread.Join(TimeSpan.FromSeconds(10)).ShouldBeTrue();
        Should.Throw<ForeignThreadException>(() => host.RunUntil(() => false, TimeSpan.FromSeconds(2))).Message.ShouldContain("called into the simulation"); // which frames follow depends on what the compiler inlined
    }

    [Fact]
    public void A_paused_subtree_hears_everything_when_it_goes_on()
    {
        using var host = new SimulationHost(1);
        var system = host.CreateSystem("test");
        var heard = new List<(string Text, TimeSpan At)>();
        var actor = system.ActorOf(Props.Create(() => new Recorder(heard, host)), "node");
        host.RunUntil(() => false, TimeSpan.FromSeconds(1));
        host.Pause("node");
        actor.Tell("hello");
        host.RunUntil(() => false, TimeSpan.FromSeconds(2));
        heard.ShouldBeEmpty();
        host.Resume("node");
        host.RunUntil(() => false, TimeSpan.FromSeconds(3));
        heard.ShouldBe([("hello", TimeSpan.FromSeconds(2))]);
    }

    [Fact]
    public void A_killed_subtree_handles_nothing_that_was_waiting()
    {
        using var host = new SimulationHost(1);
        var system = host.CreateSystem("test");
        var heard = new List<(string Text, TimeSpan At)>();
        var parent = system.ActorOf(Props.Create(() => new Parent(heard, host)), "node");
        host.RunUntil(() => false, TimeSpan.FromSeconds(1));
        for (var i = 0; i < 20; i++) parent.Tell($"{i}");
        host.Kill("node", ((IInternalActorRef)parent).Stop);
        host.RunUntil(() => false, TimeSpan.FromSeconds(2));
        heard.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Orders_of_actors_differ_by_seed_and_not_by_run(bool priorities)
    {
        string Order(ulong seed)
        {
            using var host = new SimulationHost(seed, priorities ? new PriorityOrder(seed, 3, 100) : new UniformOrder(seed));
            var system = host.CreateSystem("test");
            var heard = new List<(string Text, TimeSpan At)>();
            for (var actor = 0; actor < 8; actor++)
            {
                var recorder = system.ActorOf(Props.Create(() => new Recorder(heard, host)), $"a{actor}");
                for (var message = 0; message < 3; message++) recorder.Tell($"{actor}");
            }

            host.RunUntil(() => heard.Count == 24, TimeSpan.FromSeconds(1)).ShouldBeTrue();
            return string.Concat(heard.Select(entry => entry.Text));
        }

        Order(1).ShouldBe(Order(1));
        Enumerable.Range(1, 10).Select(seed => Order((ulong)seed)).Distinct().Count().ShouldBe(10);
    }

    [Fact]
    public void A_stream_is_its_owners_alone()
    {
        var streams = new RandomStreams(9);
        var alone = streams.Of("loss", "a>b").NextBits();
        _ = streams.Of("loss", "a>c").NextBits();
        _ = streams.Of("delay", "a>b").NextBits();
        streams.Of("loss", "a>b").NextBits().ShouldBe(alone);
        new[] { streams.Of("loss", "a>c").NextBits(), streams.Of("delay", "a>b").NextBits(), new RandomStreams(10).Of("loss", "a>b").NextBits() }.ShouldNotContain(alone);
    }

    private sealed class Recorder(List<(string Text, TimeSpan At)> heard, SimulationHost host) : UntypedActor
    {
        protected override void OnReceive(object message) => heard.Add(((string)message, host.Now));
    }

    private sealed class Parent(List<(string Text, TimeSpan At)> heard, SimulationHost host) : UntypedActor
    {
        private readonly IActorRef _child = Context.ActorOf(Props.Create(() => new Recorder(heard, host)));

        protected override void OnReceive(object message) => _child.Forward(message);
    }
}
