using System.Collections.Concurrent;

using Distributed.Environments.Hosting;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

/// <summary>Waits are on events; the 20 s are only there so that a broken host fails a test instead of hanging it.</summary>
public sealed class EnvironmentHostTests : IDisposable
{
    private const string NoReply = "<result> no reply </result>";
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan brief = TimeSpan.FromMilliseconds(20);
    private static readonly StepResult.Observation failed = new(NoReply, ToolError: true);
    private readonly List<IDisposable> owned = [];
    private readonly ManualResetEventSlim release = new(false);

    public void Dispose()
    {
        release.Set();
        owned.ForEach(one => one.Dispose());
    }

    private EnvironmentHost Host(int workers = 2, int hung = 2, int waiting = 100, Action<Exception>? onFailure = null)
    {
        var host = new EnvironmentHost(new EnvironmentHostOptions(NoReply, workers, hung, waiting, onFailure));
        owned.Add(host);
        return host;
    }

    private sealed class Scripted(Func<string, CancellationToken, StepResult> step, Action? dispose = null) : IEpisode
    {
        public StepResult Step(string action, CancellationToken cancel) => step(action, cancel);

        public void Dispose() => dispose?.Invoke();
    }

    private static Scripted Echo() => new((action, _) => new StepResult.Observation(action));

    private Scripted Hanging() => new((_, _) =>
    {
        release.Wait(CancellationToken.None);
        return new StepResult.Observation("late");
    });

    private static StepResult Step(EnvironmentHost host, IEpisode episode, string action = "x", TimeSpan? limit = null)
    {
        using var replies = new BlockingCollection<StepResult>();
        host.Step(episode, action, limit ?? patience, replies.Add);
        replies.TryTake(out var result, patience).ShouldBeTrue("no reply");
        return result!;
    }

    private static void Until(Func<bool> condition) => SpinWait.SpinUntil(condition, patience).ShouldBeTrue("never came true");

    [Fact]
    public void Every_step_is_answered_exactly_once()
    {
        var host = Host();
        var replies = new ConcurrentDictionary<int, int>();
        using var done = new CountdownEvent(5000);
        for (var i = 0; i < 5000; i++)
        {
            var number = i;
            while (host.Counters is { Steps: var asked } && asked - (5000 - done.CurrentCount) > 90)
                Thread.Yield();
            host.Step(Echo(), $"{number}", patience, result =>
            {
                if (result is StepResult.Observation { ToolError: false } observation && observation.Text == $"{number}")
                    replies.AddOrUpdate(number, 1, (_, count) => count + 1);
                done.Signal();
            });
        }

        done.Wait(patience).ShouldBeTrue();
        replies.Count.ShouldBe(5000);
        replies.Values.Distinct().ShouldBe([1]);
        host.Counters.ShouldBe(new EpisodeHostCounters(5000, 0, 0, 0, 0, 0, 0, 0, host.Counters.Threads, 0));
    }

    [Fact]
    public void A_step_that_throws_becomes_an_observation_and_the_host_goes_on()
    {
        var failures = new ConcurrentQueue<Exception>();
        var host = Host(onFailure: failures.Enqueue);
        Step(host, new Scripted((_, _) => throw new InvalidOperationException("broken tool"))).ShouldBe(failed);
        Step(host, new Scripted((_, _) => null!)).ShouldBe(failed);
        Step(host, Echo(), "fine").ShouldBe(new StepResult.Observation("fine"));
        host.Counters.Failed.ShouldBe(2);
        failures.ShouldHaveSingleItem().Message.ShouldBe("broken tool");
    }

    [Fact]
    public void A_step_out_of_time_is_answered_and_told_to_stop()
    {
        var host = Host(workers: 1);
        using var told = new ManualResetEventSlim();
        var polite = new Scripted((_, cancel) =>
        {
            cancel.WaitHandle.WaitOne(patience);
            told.Set();
            cancel.ThrowIfCancellationRequested();
            return new StepResult.Observation("late");
        });
        Step(host, polite, limit: brief).ShouldBe(failed);
        told.Wait(patience).ShouldBeTrue();
        Until(() => host.Counters.HungThreads == 0);
        Step(host, Echo(), "fine").ShouldBe(new StepResult.Observation("fine"));
        (host.Counters.TimedOut, host.Counters.Failed).ShouldBe((1, 0));
    }

    [Fact]
    public void A_cancelled_token_does_not_leak_into_the_next_step()
    {
        var host = Host(workers: 1, hung: 0);
        var polite = new Scripted((_, cancel) =>
        {
            cancel.WaitHandle.WaitOne(patience);
            return failed;
        });
        Step(host, polite, limit: brief);
        Until(() => host.Counters.HungThreads == 0);
        var cancelled = new Scripted((_, cancel) => new StepResult.Observation($"{cancel.IsCancellationRequested}"));
        Step(host, cancelled).ShouldBe(new StepResult.Observation("False"));
    }

    [Fact]
    public void Hung_threads_are_replaced_up_to_the_bound_then_steps_are_refused()
    {
        var host = Host(workers: 2, hung: 2);
        for (var i = 0; i < 4; i++)
            Step(host, Hanging(), limit: brief).ShouldBe(failed);
        Until(() => host.Counters.HungThreads == 4);
        host.Counters.Threads.ShouldBe(4);
        StepResult? refusal = null;
        host.Step(Echo(), "x", patience, result => refusal = result);
        refusal.ShouldBe(failed);
        host.Counters.RefusedNoThread.ShouldBe(1);
        host.Counters.TimedOut.ShouldBe(4);

        release.Set();
        Until(() => host.Counters.HungThreads == 0);
        Step(host, Echo(), "again").ShouldBe(new StepResult.Observation("again"));
        Until(() => host.Counters.Threads <= 2);
    }

    [Fact]
    public void An_episode_still_inside_an_overdue_step_is_not_entered_again()
    {
        var host = Host();
        var entered = 0;
        var episode = new Scripted((_, _) =>
        {
            Interlocked.Increment(ref entered);
            release.Wait(CancellationToken.None);
            return new StepResult.Observation("late");
        });
        Step(host, episode, limit: brief).ShouldBe(failed);
        Step(host, episode).ShouldBe(failed);
        entered.ShouldBe(1);
        host.Counters.RefusedEpisodeBusy.ShouldBe(1);
        release.Set();
        Until(() => host.Counters.HungThreads == 0);
        Step(host, episode).ShouldBe(new StepResult.Observation("late"));
    }

    [Fact]
    public void Too_many_waiting_steps_are_refused()
    {
        var host = Host(workers: 1, hung: 0, waiting: 3);
        using var inside = new ManualResetEventSlim();
        var blocking = new Scripted((_, _) =>
        {
            inside.Set();
            release.Wait(CancellationToken.None);
            return new StepResult.Observation("late");
        });
        using var done = new CountdownEvent(4);
        host.Step(blocking, "x", patience, _ => done.Signal());
        inside.Wait(patience).ShouldBeTrue();
        for (var i = 0; i < 3; i++)
            host.Step(Echo(), "x", patience, _ => done.Signal());
        StepResult? refusal = null;
        host.Step(Echo(), "x", patience, result => refusal = result);
        refusal.ShouldBe(failed);
        host.Counters.RefusedQueueFull.ShouldBe(1);
        release.Set();
        done.Wait(patience).ShouldBeTrue();
    }

    [Fact]
    public void A_step_that_no_thread_becomes_free_for_is_answered_all_the_same()
    {
        var host = Host(workers: 1, hung: 0);
        using var inside = new ManualResetEventSlim();
        host.Step(new Scripted((_, _) =>
        {
            inside.Set();
            release.Wait(CancellationToken.None);
            return failed;
        }), "x", patience, _ => { });
        inside.Wait(patience).ShouldBeTrue();
        Step(host, Echo(), limit: brief).ShouldBe(failed);
        host.Counters.RefusedNoThread.ShouldBe(1);
    }

    [Fact]
    public void Slow_tools_get_more_threads()
    {
        var host = Host(workers: 3);
        using var together = new Barrier(3);
        var meeting = new Scripted((_, _) => new StepResult.Observation(together.SignalAndWait(patience, CancellationToken.None) ? "met" : "alone"));
        using var replies = new BlockingCollection<StepResult>();
        for (var i = 0; i < 3; i++)
            host.Step(new Scripted(meeting.Step), "x", patience, replies.Add);
        for (var i = 0; i < 3; i++)
        {
            replies.TryTake(out var result, patience).ShouldBeTrue();
            result.ShouldBe(new StepResult.Observation("met"));
        }
    }

    [Fact]
    public void An_episode_is_disposed_away_from_the_caller_and_only_once_its_step_has_returned()
    {
        var host = Host();
        using var disposed = new ManualResetEventSlim();
        var thread = 0;
        void Disposed()
        {
            thread = System.Environment.CurrentManagedThreadId;
            disposed.Set();
        }

        host.End(new Scripted((_, _) => failed, Disposed));
        disposed.Wait(patience).ShouldBeTrue();
        thread.ShouldNotBe(System.Environment.CurrentManagedThreadId);

        disposed.Reset();
        var returned = false;
        var hanging = new Scripted((_, _) =>
        {
            release.Wait(CancellationToken.None);
            returned = true;
            return failed;
        }, () =>
        {
            returned.ShouldBeTrue();
            disposed.Set();
        });
        Step(host, hanging, limit: brief);
        host.End(hanging);
        Step(host, Echo(), "between").ShouldBe(new StepResult.Observation("between"));
        disposed.IsSet.ShouldBeFalse();
        release.Set();
        disposed.Wait(patience).ShouldBeTrue();

        host.End(new Scripted((_, _) => failed, () => throw new InvalidOperationException("will not go")));
        Until(() => host.Counters.NotDisposed == 1);
    }

    [Fact]
    public void A_stopped_host_answers_what_waits_and_refuses_the_rest()
    {
        var host = Host(workers: 1, hung: 0);
        using var inside = new ManualResetEventSlim();
        using var replies = new BlockingCollection<StepResult>();
        host.Step(new Scripted((_, _) =>
        {
            inside.Set();
            release.Wait(CancellationToken.None);
            return new StepResult.Observation("finished");
        }), "x", patience, replies.Add);
        inside.Wait(patience).ShouldBeTrue();
        host.Step(Echo(), "x", patience, replies.Add);
        host.Dispose();
        replies.Take().ShouldBe(failed);
        host.Step(Echo(), "x", patience, replies.Add);
        replies.Take().ShouldBe(failed);
        host.Counters.RefusedStopped.ShouldBe(2);
        release.Set();
        replies.TryTake(out var last, patience).ShouldBeTrue();
        last.ShouldBe(new StepResult.Observation("finished"));
        Until(() => host.Counters.Threads == 0);
    }

    [Fact]
    public void A_reply_that_throws_does_not_take_a_thread_along()
    {
        var failures = new ConcurrentQueue<Exception>();
        var host = Host(workers: 1, hung: 0, onFailure: failures.Enqueue);
        host.Step(Echo(), "x", patience, _ => throw new InvalidOperationException("bad callback"));
        Step(host, Echo(), "fine").ShouldBe(new StepResult.Observation("fine"));
        failures.ShouldHaveSingleItem().Message.ShouldBe("bad callback");
    }
}
