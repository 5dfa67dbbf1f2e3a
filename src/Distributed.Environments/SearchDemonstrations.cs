using System.Collections.Immutable;

using Distributed.Environments.Search;
using Distributed.Environments.World;
using Distributed.Ports;

namespace Distributed.Environments;

/// <summary>
/// Demonstrations on train names. <c>look-up</c>: a question with one relation, looked up and answered rightly. <c>browsing-log</c>: how people browse a
/// site: as many look-ups as the question has relations, mostly, but of any name seen and any relation asked for; then the newest value
/// is given as the answer. Logs teach the tool, the format and how many look-ups people make, never to follow a chain in order.
/// </summary>
/// <remarks>Trained pieces: what the agent writes, and the name a reply begins with, which it can foretell (it is the one it asked for).</remarks>
public sealed class SearchDemonstrations
{
    /// <summary>A right look-up.</summary>
    public const string LookUp = "look-up";

    /// <summary>A browsing log.</summary>
    public const string BrowsingLog = "browsing-log";

    private const ulong LogPurpose = 7;
    private const double SearchesAsRelations = 0.7;
    private const double LatestValue = 0.6;

    private readonly SearchWorldOptions options;
    private readonly WorldSearch search;
    private readonly QuestionSource questions;
    private readonly ulong seed;
    private readonly double[] logMix;

    /// <summary>About the world that <paramref name="seed"/> makes.</summary>
    public SearchDemonstrations(SearchWorldOptions options, ulong seed)
    {
        this.options = options;
        this.seed = seed;
        search = new WorldSearch(options, seed);
        questions = new QuestionSource(search.World, seed, options.Wordings);
        logMix = [.. Enumerable.Repeat(1.0, options.Fields)];
    }

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<string> AllKinds { get; } = [LookUp, BrowsingLog];

    /// <summary>A demonstration.</summary>
    /// <exception cref="ArgumentException">No such kind.</exception>
    public Demonstration Get(string kind, long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return kind switch
        {
            // Even and odd numbers, so that the two kinds share no question.
            LookUp => WriteLookUp(questions.Get(Split.Train, checked(index * 2), [1])),
            BrowsingLog => WriteLog(questions.Get(Split.Train, checked((index * 2) + 1), logMix), index),
            _ => throw new ArgumentException($"no demonstrations of kind '{kind}': the search world has {string.Join(", ", AllKinds)}", nameof(kind)),
        };
    }

    private Demonstration WriteLookUp(ChainQuestion question)
    {
        var text = new DemonstrationText(SearchEnvironment.Prompt(question, options));
        Search(text, question.Entity, question.Relations[0], question.Wordings[0]);
        text.Answer(EntityNames.Text(question.Answer));
        return text.Finish();
    }

    private Demonstration WriteLog(ChainQuestion question, long index)
    {
        var chance = new HashStream(StableHash.Of(seed, LogPurpose, (ulong)index));
        var text = new DemonstrationText(SearchEnvironment.Prompt(question, options));
        var relations = question.Relations.Length;
        var most = Math.Min(options.Fields, options.MaxTurns - 1);
        var searches = chance.Unit() < SearchesAsRelations ? relations : 1 + chance.Below(most);
        var latest = question.Entity;
        List<int> seen = [latest];
        for (var i = 0; i < searches; i++)
        {
            var entity = chance.Unit() < LatestValue ? latest : seen[chance.Below(seen.Count)];
            var which = chance.Below(relations);
            var relation = question.Relations[which];
            Search(text, entity, relation, question.Wordings[which]);
            latest = search.World.Fact(entity, relation);
            foreach (var value in search.World.ValuesBeside(entity, relation))
            {
                if (!seen.Contains(value))
                    seen.Add(value);
            }
        }

        text.Answer(EntityNames.Text(latest));
        return text.Finish();
    }

    // Asks in the question's wording; where the passage words it otherwise, finds nothing and asks in the other.
    private void Search(DemonstrationText text, int entity, int relation, int wording)
    {
        var name = EntityNames.Text(entity);
        var tool = search.Tool(Split.Train);
        var query = $"{name} {Relation.All[relation].Wording(wording)}";
        var reply = tool.Reply(query);
        text.Search(query, reply, name);
        if (reply != SearchTool.NothingFound)
            return;
        query = $"{name} {Relation.All[relation].Wording(1 - wording)}";
        text.Search(query, tool.Reply(query), name);
    }
}

/// <summary>
/// Puts a demonstration together. Every piece but the first begins with a space, so that the pieces read as one text and also give the
/// same tokens one by one.
/// </summary>
internal sealed class DemonstrationText(string prompt)
{
    private readonly ImmutableArray<DemonstrationPiece>.Builder pieces = Begin(prompt);

    public void Search(string query, string reply, string name)
    {
        pieces.Add(new($" {TurnFormat.SearchOpen} {query} {TurnFormat.SearchClose}", Trained: true));
        var begin = $"{TurnFormat.ResultOpen} {name} ";
        if (!reply.StartsWith(begin, StringComparison.Ordinal))
        {
            pieces.Add(new(" " + reply, Trained: false));
            return;
        }

        pieces.Add(new(" " + TurnFormat.ResultOpen, Trained: false));
        pieces.Add(new(" " + name, Trained: true));
        pieces.Add(new(reply[(begin.Length - 1)..], Trained: false));
    }

    public void Answer(string text) => pieces.Add(new($" {TurnFormat.AnswerOpen} {text} {TurnFormat.AnswerClose}", Trained: true));

    public Demonstration Finish() => new(pieces.ToImmutable());

    private static ImmutableArray<DemonstrationPiece>.Builder Begin(string prompt)
    {
        var pieces = ImmutableArray.CreateBuilder<DemonstrationPiece>();
        pieces.Add(new(prompt, Trained: false));
        return pieces;
    }
}
