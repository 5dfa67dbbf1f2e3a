using System.Collections.Immutable;

namespace Distributed.Environments.World;

/// <summary>
/// The words names are made of: a first word out of 128, a second word out of 4 x 32 that tells the kind. All are distinct, also in
/// lower case, from each other and from every other word of the world.
/// </summary>
public static class NameWords
{
    /// <summary>First words, 128.</summary>
    public static ImmutableArray<string> First { get; } = Words("""
        Adrel Alvar Amiel Anvor Arlen Askil Avena Azmar Belan Bertil Birna Bodrin Brisa Bruvel Balka Benno
        Cadril Calva Cerin Cirra Corvin Cresta Cunar Cylia Dalvin Darsa Delka Dorin Draven Dulma Dagna Dessel
        Edrin Elvar Emrik Enola Ersil Estra Evane Ezrel Falken Farla Fenric Fiora Frodel Fulva Festin Filda
        Galden Garvo Gelsa Gildo Gorma Grenna Gustel Gynor Halvard Harna Helgo Hirsel Holda Huldan Hesper Havrin
        Idrel Ilka Imdar Ingra Irvol Isken Ivera Ilmar Kaldor Karsa Kelvar Kirna Korvel Kruna Kelda Kosmer
        Laskar Levka Lirna Lodvar Lunel Lusca Lydra Lorvin Mirel Malko Merrin Milva Mordal Musca Marel Menka
        Nadrel Narvo Nelka Nirol Norvin Nusha Nestra Nolda Oskan Odrin Olvar Omrel Orsa Ostrin Ovela Orlik
        Pardel Pelka Pirro Polvan Prisca Punna Pertil Palva Tira Taldor Tarvin Telma Torvel Trisa Tulko Tessan
        """);

    /// <summary>Second words, 4 x 32, in the order of <see cref="EntityKind"/>.</summary>
    public static ImmutableArray<string> Second { get; } = Words("""
        Solberg Bergan Vantor Lindow Marsken Tolvane Reinholt Stromar Vekley Aldane Brannok Carrow Dunvale Eastly Fenworth Garrow
        Hollin Ivarson Jasker Keldrin Lorrane Montrel Norring Ossvik Pellam Quillan Rosmer Sandvar Thorley Ulvane Wexlow Yarrin
        Harbour Valley Bay Hill Ridge Ford Moor Heath Island Lake Marsh Glen Cove Cliff Point Falls
        Grove Haven Bridge Castle Abbey Field Forest Garden Gate Plain Port Spring Tower Village Wells Dale
        Guild Society League Company Institute College Union Council Bank Foundry Workshop Press Fellowship Trust Academy Club
        Bureau Cooperative Laboratory Museum Theatre Orchestra Exchange Brewery Mill Shipyard Observatory Library Hospital Committee Alliance Circle
        Sonata Ballad Symphony Elegy Novel Sketch Mural Opera Poem Prelude Quartet Saga Waltz Fresco Fable Essay
        Drama Comedy Concerto Overture Nocturne Psalm Riddle Romance Serenade Statue Tapestry Treatise Verse Etching March Almanac
        """);

    private static ImmutableArray<string> Words(string text) =>
        [.. text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];
}
