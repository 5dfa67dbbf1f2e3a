using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Scoring;

public sealed class BranchScorerTests : IDisposable
{
    private readonly ModelWeights _weights = TinyModels.Weights(TinyModels.Config(), 11);
    private readonly ComputePool _pool = new(2);
    private readonly PackedModel _model;
    private readonly BranchScorer _scorer;
    private readonly SequenceScorer _sequences;

    public BranchScorerTests()
    {
        _model = new PackedModel(_weights);
        _scorer = new BranchScorer(_model, _pool);
        _sequences = new SequenceScorer(_model, _pool);
    }

    [Fact]
    public void Packed_scores_equal_separate_forward_passes()
    {
        var random = new Random(5);
        for (var round = 0; round < 60; round++)
        {
            var request = RandomRequest(random, random.Next(1, 90), random.Next(1, 7));
            Compare(request, _scorer.Score([request], 3)[0]);
        }
    }

    [Fact]
    public void A_branch_may_hang_at_every_position()
    {
        var random = new Random(6);
        var tokens = TinyModels.Tokens(random, 70, 37);
        var branches = Enumerable.Range(1, 70).Select(position => RandomBranch(random, position)).ToArray();
        random.Shuffle(branches);
        var request = new ScoreRequest(tokens, branches);
        Compare(request, _scorer.Score([request], 0)[0]);
    }

    [Fact]
    public void Several_aliases_at_one_position_do_not_see_each_other()
    {
        var random = new Random(7);
        var tokens = TinyModels.Tokens(random, 40, 37);
        var branches = Enumerable.Range(0, 12).Select(i => RandomBranch(random, i % 3 == 0 ? 40 : 23)).ToArray();
        var request = new ScoreRequest(tokens, branches);
        var reply = _scorer.Score([request], 0)[0];
        Compare(request, reply);
        for (var b = 0; b < branches.Length; b++)
            _scorer.Score([new ScoreRequest(tokens, [branches[b]])], 0)[0].MeanLogProbs.Span[0].ShouldBe(reply.MeanLogProbs.Span[b]);
    }

    [Fact]
    public void A_request_has_the_same_bits_whatever_is_scored_with_it()
    {
        var random = new Random(8);
        var requests = Enumerable.Range(0, 40).Select(_ => RandomRequest(random, random.Next(1, 120), random.Next(0, 6))).ToArray();
        var together = _scorer.Score(requests, 1);
        random.Shuffle(requests.AsSpan(20));
        var again = _scorer.Score(requests[5..], 1);
        for (var i = 5; i < 20; i++)
            again[i - 5].MeanLogProbs.ToArray().ShouldBe(together[i].MeanLogProbs.ToArray());
        for (var i = 5; i < requests.Length; i++)
            _scorer.Score([requests[i]], 1)[0].MeanLogProbs.ToArray().ShouldBe(again[i - 5].MeanLogProbs.ToArray());
    }

    [Theory]
    [InlineData(0, 3, 0, 1, "position 0")]
    [InlineData(6, 3, 0, 1, "between 1 and 5")]
    [InlineData(2, 3, 0, 0, "span")]
    [InlineData(2, 3, 2, 2, "span")]
    [InlineData(2, 3, -1, 2, "span")]
    [InlineData(5, 196, 0, 1, "context holds 200")]
    public void A_wrong_branch_fails_its_request_alone(int position, int length, int spanStart, int spanLength, string words)
    {
        var good = new ScoreRequest(new[] { 1, 2, 3 }, [new ScoreBranch(2, new[] { 4 }, 0, 1)]);
        var bad = new ScoreRequest(new[] { 1, 2, 3, 4, 5 }, [new ScoreBranch(position, new int[length], spanStart, spanLength)]);
        var replies = _scorer.Score([good, bad, good], 7);
        replies[1].Error.ShouldNotBeNull().Message.ShouldContain(words);
        replies[1].MeanLogProbs.Length.ShouldBe(0);
        replies[0].Error.ShouldBeNull();
        replies[0].MeanLogProbs.ToArray().ShouldBe(replies[2].MeanLogProbs.ToArray());
        replies.ShouldAllBe(reply => reply.Version == 7);
    }

    [Fact]
    public void Unknown_tokens_are_refused_by_name()
    {
        var inTrunk = new ScoreRequest(new[] { 1, 37 }, [new ScoreBranch(1, new[] { 1 }, 0, 1)]);
        var inBranch = new ScoreRequest(new[] { 1, 2 }, [new ScoreBranch(1, new[] { -1 }, 0, 1)]);
        _scorer.Score([inTrunk], 0)[0].Error.ShouldNotBeNull().Message.ShouldContain("token 37");
        _scorer.Score([inBranch], 0)[0].Error.ShouldNotBeNull().Message.ShouldContain("Branch 0 has the token -1");
    }

    public void Dispose()
    {
        _scorer.Dispose();
        _sequences.Dispose();
        _model.Dispose();
        _pool.Dispose();
        _weights.Dispose();
    }

    private void Compare(ScoreRequest request, ScoreReply reply)
    {
        reply.Error.ShouldBeNull();
        for (var b = 0; b < request.Branches.Count; b++)
        {
            var branch = request.Branches[b];
            int[] tokens = [.. request.Tokens.Span[..branch.Position], .. branch.Tokens.Span];
            var targets = Enumerable.Range(branch.Position + branch.SpanStart, branch.SpanLength).ToArray();
            var naive = _sequences.LogProbs([new TrainSequence(tokens, targets)]).LogProbs[0].ToArray();
            reply.MeanLogProbs.Span[b].ShouldBe(naive.Average(v => (double)v), $"branch {b} at {branch.Position}");
        }
    }

    private static ScoreRequest RandomRequest(Random random, int length, int branches) => new(
        TinyModels.Tokens(random, length, 37), [.. Enumerable.Range(0, branches).Select(_ => RandomBranch(random, random.Next(1, length + 1)))]);

    private static ScoreBranch RandomBranch(Random random, int position)
    {
        var tokens = TinyModels.Tokens(random, random.Next(1, 20), 37);
        var start = random.Next(tokens.Length);
        return new ScoreBranch(position, tokens, start, random.Next(1, tokens.Length - start + 1));
    }
}
