using Distributed.Actors.Learning;
using Distributed.Actors.Tests.Coordination;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Learning;

public sealed class ProgressStatesTests
{
    [Fact]
    public void Each_turn_has_the_state_after_its_tool_reply()
    {
        var states = ProgressStates.Of(Of([5, 6], ([1, 2], [3]), ([4], [])), 64);
        states.Sequence.Tokens.ToArray().ShouldBe([5, 6, 1, 2, 3, 4, 0]);
        states.Sequence.Targets.ToArray().ShouldBe([5, 6]);
        states.StateOfTurn.ShouldBe([0, 1]);
        states.ByTurn(new float[] { 1, 2, 3, 4 }, 2).ToArray().ShouldBe([1, 2, 3, 4]);
    }

    [Fact]
    public void A_turn_that_added_nothing_or_fills_the_context_has_the_state_before_it()
    {
        var states = ProgressStates.Of(Of([5, 6], ([1], [2]), ([], [])), 64);
        states.Sequence.Targets.ToArray().ShouldBe([4]);
        states.StateOfTurn.ShouldBe([0, 0]);
        states.ByTurn(new float[] { 7, 8 }, 2).ToArray().ShouldBe([7, 8, 7, 8]);

        var full = ProgressStates.Of(Of([5, 6], ([1], [2]), ([3], [])), 5);
        full.Sequence.Tokens.Length.ShouldBe(5);
        full.Sequence.Targets.ToArray().ShouldBe([4]);
        full.StateOfTurn.ShouldBe([0, 0]);
    }

    private static Trajectory Of(int[] prompt, params (int[] Tokens, int[] Reply)[] turns) => Samples.Trajectory(new Slot(0, 0), 1) with
    {
        PromptTokens = [.. prompt],
        Turns = [.. turns.Select(turn => Samples.Trajectory(new Slot(0, 0), 1).Turns[0] with { Tokens = [.. turn.Tokens], ObservationTokens = [.. turn.Reply], LogProbs = [.. turn.Tokens.Select(_ => -1f)] })],
    };
}
