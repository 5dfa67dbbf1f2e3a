using Distributed.Actors.Scoring;
using Distributed.Actors.Tests.Coordination;
using Distributed.Actors.Tests.Fakes;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Scoring;

public sealed class ScoreJobBuilderTests
{
    private static readonly Trajectory Episode = Samples.Trajectory(new Slot(2, 1), turns: 3) with { GoldenAnswers = ["42", "forty-two", ""] };

    [Fact]
    public void Boundaries_are_the_prompt_and_the_end_of_every_tool_turn()
    {
        var job = new ScoreJobBuilder(new CharacterTokenizer(), "<", ">", allAliases: false).Build(Episode);
        job.Slot.ShouldBe(new Slot(2, 1));
        job.Tokens.ShouldBe([1, 2, 3, 4, 5, 3, 4, 5]); // the final turn is not scored
        job.Boundaries.ShouldBe([2, 5, 8]);
        var answer = job.Answers.ShouldHaveSingleItem();
        answer.Tokens.ShouldBe(['<', '4', '2', '>']);
        (answer.SpanStart, answer.SpanLength).ShouldBe((1, 2));
    }

    [Fact]
    public void All_aliases_are_scored_if_so_wished_and_one_without_a_token_is_left_out()
    {
        var job = new ScoreJobBuilder(new CharacterTokenizer(), "<", ">", allAliases: true).Build(Episode);
        job.Answers.Select(answer => answer.SpanLength).ShouldBe([2, 9]);
    }

    [Fact]
    public void A_token_that_reaches_over_the_answers_border_belongs_to_the_answer()
    {
        // Pairs of characters: "<4" and "2>" are one token each, so both hold a part of the answer.
        var job = new ScoreJobBuilder(new PairTokenizer(), "<", ">", allAliases: false).Build(Episode);
        var answer = job.Answers.ShouldHaveSingleItem();
        answer.Tokens.Length.ShouldBe(2);
        (answer.SpanStart, answer.SpanLength).ShouldBe((0, 2));
        answer = new ScoreJobBuilder(new PairTokenizer(), "<<", ">", allAliases: false).Build(Episode).Answers.ShouldHaveSingleItem();
        (answer.SpanStart, answer.SpanLength).ShouldBe((1, 1));
    }

    [Fact]
    public void An_episode_whose_answers_have_no_token_gives_a_job_without_answers() =>
        new ScoreJobBuilder(new CharacterTokenizer(), "<", ">", allAliases: true).Build(Episode with { GoldenAnswers = [""] }).Answers.ShouldBeEmpty();

    private sealed class PairTokenizer : ITokenizer
    {
        public int VocabularySize => 1 << 16;

        public int[] Encode(string text) => [.. EncodeWithOffsets(text).Select(span => span.Id)];

        public TokenSpan[] EncodeWithOffsets(string text) =>
            [.. text.Chunk(2).Select((pair, index) => new TokenSpan(pair[0] * 256 + pair[^1], 2 * index, 2 * index + pair.Length))];

        public string Decode(ReadOnlySpan<int> ids) => throw new NotSupportedException();

        public int? TokenId(string token) => null;
    }
}
